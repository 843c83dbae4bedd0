import type { NetworkPolicy } from '@shared/k8s';
import { formatSelector } from '@shared/selectors';

type Spec = NonNullable<NetworkPolicy['spec']>;
type IngressRule = NonNullable<Spec['ingress']>[number];
type Peer = NonNullable<IngressRule['_from']>[number];
type Port = NonNullable<IngressRule['ports']>[number];
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: Port[];
}

/** A text of the catalogue with its values. */
export interface Words {
  key: string;
  values: Record<string, string>;
}

/** What a policy allows in one direction. */
export interface PolicyDirection {
  direction: 'ingress' | 'egress';
  /** None: nothing is allowed. A rule without peers means anyone, one without ports all of them. */
  rules: { peers: Words[]; ports: string[] }[];
}

function peerWords({ ipBlock, namespaceSelector, podSelector }: Peer): Words {
  if (ipBlock) {
    const except = ipBlock.except?.join(', ');
    return {
      key: except ? 'policy.blockExcept' : 'policy.block',
      values: { cidr: ipBlock.cidr, except: except ?? '' },
    };
  }
  const pods = formatSelector(podSelector);
  const namespaces = formatSelector(namespaceSelector);
  const where = namespaceSelector ? (namespaces ? 'Namespaces' : 'Everywhere') : 'Here';
  return { key: `policy.${pods ? 'pods' : 'allPods'}${where}`, values: { pods, namespaces } };
}

function portWords({ port, endPort, protocol = 'TCP' }: Port): string {
  return port === undefined ? protocol : `${protocol} ${String(port)}${endPort ? `–${endPort}` : ''}`;
}

/** What a policy allows in each direction that it governs; of the other it says nothing. */
export function policyRules({ spec }: Pick<NetworkPolicy, 'spec'>): PolicyDirection[] {
  const types = spec?.policyTypes ?? ['Ingress', ...(spec?.egress?.length ? ['Egress'] : [])];
  return (['ingress', 'egress'] as const)
    .filter((direction) => types.some((type) => type.toLowerCase() === direction))
    .map((direction) => ({
      direction,
      rules: ((spec?.[direction] ?? []) as Rule[]).map(({ from, to, ports }) => ({
        peers: (from ?? to ?? []).map(peerWords),
        ports: (ports ?? []).map(portWords),
      })),
    }));
}
