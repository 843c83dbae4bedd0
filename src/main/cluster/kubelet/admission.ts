import type { Node, Pod } from '@shared/k8s';
import { matchesNodeSelection } from '@shared/node-selector';
import { podRequests, type Resources } from '@shared/pod-resources';
import { tolerates, untolerated } from '@shared/taints';
import { qosClass } from './qos';
import { needsAppArmor } from './security';

/** Why a node does not take a pod, in Kubernetes' words. */
export interface Refusal {
  reason: string;
  message: string;
  /** What there is too little of, when nothing else stands against the pod. */
  shortages?: Shortage[];
}

/** What is missing for a pod to fit; cpu in millis, the others in whole units. */
export interface Shortage {
  resource: string;
  requested: number;
  used: number;
  capacity: number;
}

export interface NodePressure {
  memory: boolean;
  disk: boolean;
  pid: boolean;
}

export interface AdmissionFacts {
  /** The node as the API has it; undefined while it is not known. */
  node(): Node | undefined;
  /** What pods may take together: cpu in millis, others in whole units, and how many `pods`. */
  allocatable(): Resources;
  pressure(): NodePressure;
  /** Whether AppArmor profiles are enforced. */
  appArmor(): boolean;
}

interface HostPort {
  ip: string;
  protocol: string;
  port: number;
}

interface Entry {
  requests: Resources;
  ports: HostPort[];
}

/** From here on a pod belongs to the system and is neither refused nor evicted under pressure. */
const systemCritical = 2_000_000_000;
const memoryPressureTaint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };

export const isCritical = (pod: Pod): boolean => (pod.spec!.priority ?? 0) >= systemCritical;

/**
 * What the pods of a node have been given of it, and whether one more fits. Pods bound by hand pass no
 * scheduler, and two schedulers may have decided at the same time: the node has the last word.
 */
export class Admission {
  private readonly entries = new Map<string, Entry>();
  private readonly used: Resources = {};

  constructor(private readonly facts: AdmissionFacts) {}

  /** Counts a pod that runs here already. */
  adopt(pod: Pod): void {
    this.release(pod.metadata.uid);
    const entry = { requests: podRequests(pod.spec), ports: portsOf(pod) };
    this.entries.set(pod.metadata.uid, entry);
    for (const [name, amount] of Object.entries(entry.requests)) this.used[name] = (this.used[name] ?? 0) + amount;
  }

  /** What a pod took is free again. */
  release(uid: string): void {
    const entry = this.entries.get(uid);
    if (!entry) return;
    this.entries.delete(uid);
    for (const [name, amount] of Object.entries(entry.requests)) this.used[name]! -= amount;
  }

  /** Takes a pod and counts it, or says why not. */
  admit(pod: Pod): Refusal | undefined {
    const refusal = this.refusal(pod);
    if (!refusal) this.adopt(pod);
    return refusal;
  }

  /** The resources of which there is not enough for the pod beside the others. */
  shortages(pod: Pod): Shortage[] {
    const found: Shortage[] = [];
    const allocatable = this.facts.allocatable();
    const own = this.entries.get(pod.metadata.uid);
    const others = this.entries.size - (own ? 1 : 0);
    if (allocatable.pods !== undefined && others + 1 > allocatable.pods)
      found.push({ resource: 'pods', requested: 1, used: others, capacity: allocatable.pods });
    for (const [resource, requested] of Object.entries(podRequests(pod.spec))) {
      const capacity = allocatable[resource];
      const used = (this.used[resource] ?? 0) - (own?.requests[resource] ?? 0);
      // A resource the node knows nothing of is none of its business.
      if (capacity !== undefined && requested > 0 && requested > capacity - used)
        found.push({ resource, requested, used, capacity });
    }
    return found;
  }

  private refusal(pod: Pod): Refusal | undefined {
    const early = this.pressureRefusal(pod) ?? sysctlRefusal(pod);
    if (early) return early;
    const shortages = this.shortages(pod);
    const scarce = shortages[0] && outOf(shortages[0]);
    // Who may take others' room is told first what no room would change.
    if (scarce && !isCritical(pod)) return scarce;
    const predicate = (name: string, why: string): Refusal => ({
      reason: name,
      message: `Predicate ${name} failed: ${why}`,
    });
    const node = this.facts.node();
    if (node && !matchesNodeSelection(pod.spec, node))
      return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
    const wanted = portsOf(pod);
    if (wanted.length > 0 && this.taken(pod).some((other) => wanted.some((port) => collide(port, other))))
      return predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports");
    if (untolerated(node?.spec?.taints, pod.spec!.tolerations, ['NoExecute']))
      return predicate('TaintToleration', "node(s) had taint that the pod didn't tolerate");
    if (!this.facts.appArmor() && needsAppArmor(pod))
      return { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' };
    return scarce && { ...scarce, shortages };
  }

  /** Host ports of the other pods. */
  private taken(pod: Pod) {
    return [...this.entries].flatMap(([uid, entry]) => (uid === pod.metadata.uid ? [] : entry.ports));
  }

  private pressureRefusal(pod: Pod): Refusal | undefined {
    const { memory, disk, pid } = this.facts.pressure();
    if ((!memory && !disk && !pid) || isCritical(pod)) return undefined;
    const bearsMemory =
      qosClass(pod) !== 'BestEffort' ||
      pod.spec!.tolerations?.some((toleration) => tolerates(toleration, memoryPressureTaint));
    if (memory && !disk && !pid && bearsMemory) return undefined;
    const names = [memory && 'MemoryPressure', disk && 'DiskPressure', pid && 'PIDPressure'].filter(Boolean);
    return { reason: 'Evicted', message: `The node had condition: [${names.join(' ')}]. ` };
  }
}

const outOf = ({ resource, requested, used, capacity }: Shortage): Refusal => ({
  reason: `OutOf${resource}`,
  message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
});

/** What a pod may set of its own namespaces without harm to others. */
const safeSysctls = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);

/** What the cluster's own routers need of their namespaces. */
const forwarding = 'net.ipv4.ip_forward';

function sysctlRefusal(pod: Pod): Refusal | undefined {
  const { securityContext, hostNetwork, hostIPC } = pod.spec!;
  for (const { name: written } of securityContext?.sysctls ?? []) {
    const name = written.replaceAll('/', '.');
    if (name === forwarding && pod.metadata.namespace === 'kube-system') continue;
    const why = !safeSysctls.has(name)
      ? 'not allowlisted'
      : hostNetwork && name.startsWith('net.')
        ? 'not allowed with host net enabled'
        : hostIPC && name.startsWith('kernel.shm')
          ? 'not allowed with host ipc enabled'
          : undefined;
    if (why) return { reason: 'SysctlForbidden', message: `forbidden sysctl: "${name}" ${why}` };
  }
  return undefined;
}

function portsOf(pod: Pod): HostPort[] {
  return pod.spec!.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort }] : [],
    ),
  );
}

const everywhere = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';

const collide = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || everywhere(a.ip) || everywhere(b.ip));
