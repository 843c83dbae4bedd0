import type { NodeUsage, VolumeUsage } from '../metrics';
import { counter, gauge, one, type Family, type Value } from './families';

const seconds = (nanos: number): number => nanos / 1e9;

/** What a kubelet tells at /metrics/resource: what the metrics server reads. */
export function resourceFamilies({ node, containers, pods }: NodeUsage): Family[] {
  const values = (read: (totals: Totals) => number): Value[] =>
    containers.map(({ container, pod, namespace, totals }) => one(read(totals), { container, namespace, pod }));
  const ofPods = (read: (totals: Totals) => number): Value[] =>
    pods.map(({ pod, namespace, totals }) => one(read(totals), { namespace, pod }));
  const cpu = (totals: Totals) => seconds(totals.cpuTotalNanos);
  const memory = (totals: Totals) => totals.memoryBytes;
  return [
    counter('container_cpu_usage_seconds_total', 'CPU time of a container.', values(cpu)),
    gauge(
      'container_memory_working_set_bytes',
      'Memory of a container that cannot be given back at once.',
      values(memory),
    ),
    ...(node
      ? [
          counter('node_cpu_usage_seconds_total', 'CPU time of the node.', [one(cpu(node))]),
          gauge('node_memory_working_set_bytes', 'Memory of the node that cannot be given back at once.', [
            one(memory(node)),
          ]),
        ]
      : []),
    counter('pod_cpu_usage_seconds_total', 'CPU time of a pod.', ofPods(cpu)),
    gauge('pod_memory_working_set_bytes', 'Memory of a pod that cannot be given back at once.', ofPods(memory)),
    gauge('resource_scrape_error', '1 if something could not be read, 0 otherwise.', [one(0)]),
  ];
}

type Totals = NodeUsage['containers'][number]['totals'];

/** What a kubelet tells at /metrics/cadvisor, as far as the engine says it. */
export function containerFamilies({ containers }: NodeUsage): Family[] {
  const labelled = containers.map(({ container, pod, namespace, id, totals }) => ({
    labels: { container, id: `/docker/${id}`, namespace, pod },
    totals,
  }));
  const values = (read: (totals: Totals) => number): Value[] =>
    labelled.map(({ labels, totals }) => one(read(totals), labels));
  return [
    counter(
      'container_cpu_usage_seconds_total',
      'CPU time of a container.',
      labelled.map(({ labels, totals }) => one(seconds(totals.cpuTotalNanos), { ...labels, cpu: 'total' })),
    ),
    gauge(
      'container_memory_working_set_bytes',
      'Memory of a container that cannot be given back at once.',
      values((totals) => totals.memoryBytes),
    ),
    gauge(
      'container_last_seen',
      'When a container was seen last, in seconds since the epoch.',
      values((totals) => Math.floor(totals.timeMs / 1000)),
    ),
  ];
}

/** What a kubelet tells of itself at /metrics. */
export function kubeletFamilies({ containers, pods, name }: NodeUsage, volumes: readonly VolumeUsage[] = []): Family[] {
  // Several pods of a node may use a claim.
  const claims = [...new Map(volumes.map((one) => [`${one.namespace}/${one.claim}`, one])).values()];
  const ofClaims = (read: (usage: VolumeUsage) => number): Value[] =>
    claims.map((usage) => one(read(usage), { namespace: usage.namespace, persistentvolumeclaim: usage.claim }));
  return [
    gauge('kubelet_node_name', "The node's name. The count is always 1.", [one(1, { node: name })]),
    gauge('kubelet_running_pods', 'Pods with a container that runs.', [one(pods.length)]),
    gauge('kubelet_running_containers', 'Containers that run.', [
      one(containers.length, { container_state: 'running' }),
    ]),
    gauge(
      'kubelet_volume_stats_used_bytes',
      'Bytes in the volume of a claim.',
      ofClaims(({ usedBytes }) => usedBytes),
    ),
    gauge(
      'kubelet_volume_stats_capacity_bytes',
      'What the volume of a claim is to hold, in bytes.',
      ofClaims(({ capacityBytes }) => capacityBytes),
    ),
    gauge('kubelet_volume_stats_available_bytes', 'Bytes left in the volume of a claim.', ofClaims(available)),
  ];
}

const available = ({ usedBytes, capacityBytes }: VolumeUsage): number => Math.max(0, capacityBytes - usedBytes);

/** What a kubelet tells at /stats/summary. */
export function summary({ name, node, containers, pods }: NodeUsage, volumes: readonly VolumeUsage[] = []): object {
  const volumesOf = (uid: string): object => {
    const own = volumes.filter((one) => one.uid === uid);
    if (own.length === 0) return {};
    return {
      volume: own.map((one) => ({
        time: new Date(one.timeMs).toISOString(),
        availableBytes: available(one),
        capacityBytes: one.capacityBytes,
        usedBytes: one.usedBytes,
        name: one.volume,
        pvcRef: { name: one.claim, namespace: one.namespace },
      })),
    };
  };
  const usage = (of: { totals: Totals; sample?: NodeUsage['containers'][number]['sample'] }) => ({
    cpu: {
      time: new Date(of.totals.timeMs).toISOString(),
      ...(of.sample ? { usageNanoCores: Math.round(of.sample.cpuNanocores) } : {}),
      usageCoreNanoSeconds: Math.round(of.totals.cpuTotalNanos),
    },
    memory: { time: new Date(of.totals.timeMs).toISOString(), workingSetBytes: Math.round(of.totals.memoryBytes) },
  });
  const sampled = new Set(pods.map(({ uid }) => uid));
  /** Pods too young to have been sampled, whose volumes are known already. */
  const young = new Map(volumes.flatMap((one) => (sampled.has(one.uid) ? [] : [[one.uid, one] as const])));
  return {
    node: { nodeName: name, ...(node ? usage({ totals: node }) : {}) },
    pods: [
      ...pods.map((pod) => ({
        podRef: { name: pod.pod, namespace: pod.namespace, uid: pod.uid },
        ...usage(pod),
        containers: containers
          .filter((one) => one.pod === pod.pod && one.namespace === pod.namespace)
          .map((one) => ({ name: one.container, ...usage(one) })),
        ...volumesOf(pod.uid),
      })),
      ...[...young.values()].map(({ pod, namespace, uid }) => ({
        podRef: { name: pod, namespace, uid },
        containers: [],
        ...volumesOf(uid),
      })),
    ],
  };
}
