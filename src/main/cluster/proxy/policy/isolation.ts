import type { Namespace, NetworkPolicy, Pod } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import { isAddress, type Block } from './cidr';
import { groupBy } from './group';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** Ports from `first` to `last`; without them, all of the protocol. */
export interface PortRange {
  protocol: Protocol;
  first?: number;
  last?: number;
}

/** Something that is allowed: by whom it may be, and to what port. Absent means any. */
export interface Allowance {
  peers?: { addresses: string[]; blocks: Block[] };
  ports?: PortRange[];
}

/** What policies leave of a pod's traffic. An absent direction is not restricted; an empty one is closed. */
export interface Isolation {
  ingress?: Allowance[];
  egress?: Allowance[];
}

export interface PolicyObjects {
  policies: readonly NetworkPolicy[];
  /** Those that can be reached in the cluster's network. */
  pods: readonly Pod[];
  namespaces: readonly Namespace[];
  /** IPv4; undefined while a pod has none. */
  addressOf(pod: Pod): string | undefined;
}

type Spec = NonNullable<NetworkPolicy['spec']>;
type Peer = NonNullable<NonNullable<Spec['ingress']>[number]['_from']>[number];
type Port = NonNullable<NonNullable<Spec['ingress']>[number]['ports']>[number];
interface Rule {
  peers: Peer[];
  ports: Port[];
}

/** The meaning of policies for each pod; see compilePolicies. */
export interface CompiledPolicies {
  /** Undefined when no policy selects the pod. */
  isolationOf(pod: Pod): Isolation | undefined;
}

/**
 * What the policies of a cluster come to (networking.k8s.io/v1): selectors become
 * addresses, named ports numbers. A pod that several policies select may do what
 * any of them allows. Peers are told apart by their addresses alone; IPv6 blocks
 * match nothing, the cluster's network being IPv4. Pure.
 */
export function compilePolicies(objects: PolicyObjects): CompiledPolicies {
  const labels = new Map(objects.namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
  const byNamespace = groupBy(objects.policies, ({ metadata }) => metadata.namespace!);
  const peersOf = memo((rule: Rule, namespace: string) => resolvePeers(rule.peers, namespace));
  const rulesOf = memo((policy: NetworkPolicy) => ({
    ingress: rulesIn(policy, 'ingress'),
    egress: rulesIn(policy, 'egress'),
  }));
  const egressOf = memo((policy: NetworkPolicy) =>
    rulesOf(policy).egress.flatMap((rule) => egressAllowances(rule, policy.metadata.namespace!)),
  );

  function podsOf({ podSelector, namespaceSelector }: Peer, namespace: string): Pod[] {
    return objects.pods.filter(({ metadata }) => {
      const inNamespace = namespaceSelector
        ? labels.has(metadata.namespace!) && matchesSelector(namespaceSelector, labels.get(metadata.namespace!)!)
        : metadata.namespace === namespace;
      return inNamespace && (!podSelector || matchesSelector(podSelector, metadata.labels ?? {}));
    });
  }

  function resolvePeers(peers: Peer[], namespace: string): { pods: Pod[]; blocks: Block[] } | undefined {
    if (peers.length === 0) return undefined;
    const pods = new Set(peers.flatMap((peer) => (peer.ipBlock ? [] : podsOf(peer, namespace))));
    const blocks = peers.flatMap(({ ipBlock }) =>
      ipBlock && !ipBlock.cidr.includes(':') ? [{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }] : [],
    );
    return { pods: [...pods], blocks };
  }

  const addressesOf = (pods: readonly Pod[]): string[] =>
    [...new Set(pods.flatMap((pod) => objects.addressOf(pod) ?? []))].filter(isAddress).sort();

  function ingressAllowances(rule: Rule, namespace: string, pod: Pod): Allowance[] {
    const ports = rule.ports.flatMap((port) => rangeOf(port, pod) ?? []);
    if (rule.ports.length > 0 && ports.length === 0) return [];
    const peers = peersOf(rule, namespace);
    return [
      {
        ...(peers ? { peers: { addresses: addressesOf(peers.pods), blocks: peers.blocks } } : {}),
        ...(rule.ports.length > 0 ? { ports } : {}),
      },
    ];
  }

  function egressAllowances(rule: Rule, namespace: string): Allowance[] {
    const peers = peersOf(rule, namespace);
    const to = peers ? { peers: { addresses: addressesOf(peers.pods), blocks: peers.blocks } } : {};
    if (rule.ports.length === 0) return [to];
    const numbered = rule.ports.flatMap((port) => (isNamed(port) ? [] : (rangeOf(port) ?? [])));
    const result: Allowance[] = numbered.length > 0 ? [{ ...to, ports: numbered }] : [];
    // A name is the destination's: each pod may mean another number by it.
    for (const port of rule.ports.filter(isNamed)) {
      const meant = groupBy(peers?.pods ?? objects.pods, (pod) => rangeOf(port, pod)?.first);
      for (const [number, pods] of meant) {
        if (number === undefined) continue;
        const ports = [{ protocol: protocolOf(port), first: number, last: number }];
        result.push({ peers: { addresses: addressesOf(pods), blocks: [] }, ports });
      }
    }
    return result;
  }

  return {
    isolationOf(pod) {
      const own = (byNamespace.get(pod.metadata.namespace!) ?? []).filter(({ spec }) =>
        matchesSelector(spec?.podSelector ?? {}, pod.metadata.labels ?? {}),
      );
      const inbound = own.filter((policy) => concerns(policy, 'Ingress'));
      const outbound = own.filter((policy) => concerns(policy, 'Egress'));
      if (inbound.length + outbound.length === 0) return undefined;
      const { namespace } = pod.metadata;
      return {
        ...(inbound.length > 0
          ? {
              ingress: inbound.flatMap((policy) =>
                rulesOf(policy).ingress.flatMap((rule) => ingressAllowances(rule, namespace!, pod)),
              ),
            }
          : {}),
        ...(outbound.length > 0 ? { egress: outbound.flatMap((policy) => egressOf(policy)) } : {}),
      };
    },
  };
}

/** Without types a policy is for what comes in, and for what goes out when it says something about that. */
function concerns({ spec }: NetworkPolicy, type: 'Ingress' | 'Egress'): boolean {
  if (spec?.policyTypes?.length) return spec.policyTypes.includes(type);
  return type === 'Ingress' || (spec?.egress?.length ?? 0) > 0;
}

/** In JSON the peers of ingress are `from`, which the client library's types call `_from`. */
function rulesIn({ spec }: NetworkPolicy, direction: 'ingress' | 'egress'): Rule[] {
  const rules = (spec?.[direction] ?? []) as { from?: Peer[]; to?: Peer[]; ports?: Port[] }[];
  return rules.map((rule) => ({
    peers: (direction === 'ingress' ? rule.from : rule.to) ?? [],
    ports: rule.ports ?? [],
  }));
}

const protocolOf = ({ protocol }: Port): Protocol => (protocol ?? 'TCP').toLowerCase() as Protocol;

const isNamed = ({ port }: Port): boolean => typeof port === 'string' && !/^\d+$/.test(port);

/** Undefined for a name that the pod gives to no port of the protocol. */
function rangeOf(port: Port, pod?: Pod): PortRange | undefined {
  const protocol = protocolOf(port);
  if (port.port === undefined) return { protocol };
  if (!isNamed(port)) return { protocol, first: Number(port.port), last: port.endPort ?? Number(port.port) };
  const containers = [
    ...(pod?.spec?.containers ?? []),
    // Of the others only sidecars are there to be talked to.
    ...(pod?.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ];
  const number = containers
    .flatMap(({ ports }) => ports ?? [])
    .find((one) => one.name === port.port && (one.protocol ?? 'TCP').toLowerCase() === protocol)?.containerPort;
  return number === undefined ? undefined : { protocol, first: number, last: number };
}

/** Remembers results by the first argument, an object. */
function memo<K extends object, A extends unknown[], R>(work: (key: K, ...rest: A) => R): (key: K, ...rest: A) => R {
  const known = new Map<K, R>();
  return (key, ...rest) => {
    if (!known.has(key)) known.set(key, work(key, ...rest));
    return known.get(key)!;
  };
}
