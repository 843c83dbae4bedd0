import type { Pod } from '@shared/k8s';
import { podRequests, type Resources } from '@shared/pod-resources';
import { affinityTerms, type PodTerms } from './affinity-terms';

/** A host port taken by a pod. */
export interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

/** Counted in scores for containers that ask for nothing, so that they spread too. */
const assumedRequests: Resources = { cpu: 100, memory: 200 * 1024 * 1024 };

const noClaims: readonly string[] = [];
const noPorts: readonly HostPort[] = [];

/** What is worked out of a pod once and looked at for every node. */
export class PodInfo {
  readonly uid: string;
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly priority: number;
  readonly requests: Resources;
  /** Requests as scores count them. */
  readonly scoredRequests: Resources;
  readonly hostPorts: readonly HostPort[];
  /** The claims its volumes use, as `namespace/name`. */
  readonly claims: readonly string[];
  private madeTerms: PodTerms | undefined;

  /** @param pod replaced by newer revisions of it as long as nothing above changes */
  constructor(public pod: Pod) {
    const { spec, metadata } = pod;
    this.uid = metadata.uid;
    this.namespace = metadata.namespace ?? '';
    this.key = `${this.namespace}/${metadata.name}`;
    this.labels = metadata.labels;
    this.priority = spec?.priority ?? 0;
    this.requests = podRequests(spec);
    this.scoredRequests = podRequests(spec, assumedRequests);
    this.hostPorts = hostPortsOf(pod);
    this.claims = claimsOf(pod);
  }

  get terms(): PodTerms {
    return (this.madeTerms ??= affinityTerms(this.pod));
  }

  get terminating(): boolean {
    return this.pod.metadata.deletionTimestamp !== undefined;
  }
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  let found: HostPort[] | undefined;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(isSidecar)];
  for (const { ports } of containers) {
    for (const { hostPort, hostIP, protocol } of ports ?? []) {
      if (hostPort) (found ??= []).push({ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort });
    }
  }
  return found ?? noPorts;
}

const isSidecar = ({ restartPolicy }: { restartPolicy?: string }) => restartPolicy === 'Always';

function claimsOf({ spec, metadata }: Pod): readonly string[] {
  let found: string[] | undefined;
  for (const volume of spec?.volumes ?? []) {
    const name =
      volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${metadata.name}-${volume.name}` : undefined);
    if (name) (found ??= []).push(`${metadata.namespace}/${name}`);
  }
  return found ?? noClaims;
}
