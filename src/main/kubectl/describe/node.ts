import type { KubeObject, Node, Pod } from '@shared/k8s';
import { canonicalQuantity, formatBytes, formatCpuMillis, parseBytes, parseCpuMillis } from '@shared/quantity';
import { isNotFound } from '../errors';
import { listAll } from '../resources';
import { eventLines } from './events';
import { longTime, type Lines } from './lines';
import type { Describe, DescribeCall } from './types';

type Amounts = Record<string, string>;

function amountLines(lines: Lines, title: string, amounts: Amounts | undefined): void {
  if (!amounts || Object.keys(amounts).length === 0) return;
  lines.add(0, `${title}:`);
  for (const name of Object.keys(amounts).sort()) lines.add(1, `${name}:\t${canonicalQuantity(amounts[name]!)}`);
}

const amount = (resource: string, value: string | undefined): number =>
  resource === 'cpu' ? parseCpuMillis(value) : parseBytes(value);
const shown = (resource: string, value: number): string =>
  resource === 'cpu' ? formatCpuMillis(value) : formatBytes(value);

/** What a pod asks for of a resource: its containers together, or its biggest init container. */
function podAmount(pod: Pod, list: 'requests' | 'limits', resource: string): number {
  const of = (container: { resources?: { requests?: unknown; limits?: unknown } }): number =>
    amount(resource, (container.resources?.[list] as Amounts | undefined)?.[resource]);
  const always = (pod.spec!.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  const running = [...pod.spec!.containers, ...always].reduce((sum, container) => sum + of(container), 0);
  const first = (pod.spec!.initContainers ?? []).filter((container) => container.restartPolicy !== 'Always').map(of);
  return Math.max(running, ...first) + amount(resource, (pod.spec!.overhead as Amounts | undefined)?.[resource]);
}

const percent = (part: number, whole: number): number => (whole > 0 ? Math.trunc((part * 100) / whole) : 0);

async function podsOn(call: DescribeCall<Node>): Promise<Pod[]> {
  const mapping = (await call.session.discovery()).resolve('pods');
  const fieldSelector = `spec.nodeName=${call.object.metadata.name},status.phase!=Succeeded,status.phase!=Failed`;
  const list = await listAll(call.session, mapping, undefined, { fieldSelector });
  return list.items as Pod[];
}

function podTable(call: DescribeCall<Node>, pods: readonly Pod[]): void {
  const { lines, object } = call;
  const allocatable = (object.status?.allocatable ?? object.status?.capacity ?? {}) as Amounts;
  const whole = (resource: string): number => amount(resource, allocatable[resource]);
  lines.add(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  lines.add(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge');
  lines.add(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---');
  for (const pod of pods) {
    const cells = (['cpu', 'memory'] as const).flatMap((resource) =>
      (['requests', 'limits'] as const).map((list) => {
        const value = podAmount(pod, list, resource);
        return `${shown(resource, value)} (${percent(value, whole(resource))}%)`;
      }),
    );
    lines.add(
      1,
      `${pod.metadata.namespace}\t${pod.metadata.name}\t\t${cells.join('\t')}\t${call.age(pod.metadata.creationTimestamp)}`,
    );
  }
  lines.add(
    0,
    'Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n  Resource\tRequests\tLimits',
  );
  lines.add(1, '--------\t--------\t------');
  const extended = Object.keys(allocatable).filter((name) => name.includes('/') || name.startsWith('hugepages-'));
  for (const resource of ['cpu', 'memory', 'ephemeral-storage', ...extended.sort()]) {
    const sum = (list: 'requests' | 'limits'): number =>
      pods.reduce((total, pod) => total + podAmount(pod, list, resource), 0);
    const [requests, limits] = [sum('requests'), sum('limits')];
    const text = (value: number): string => `${shown(resource, value)} (${percent(value, whole(resource))}%)`;
    if (resource.includes('/')) lines.add(1, `${resource}\t${requests}\t${limits}`);
    else lines.add(1, `${resource}\t${text(requests)}\t${text(limits)}`);
  }
}

async function leaseLines(call: DescribeCall<Node>): Promise<void> {
  const { lines, session, object } = call;
  let lease: KubeObject | undefined;
  try {
    const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${object.metadata.name}`;
    lease = (await session.request<KubeObject>({ method: 'GET', path })).body;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    lines.add(0, `Lease:\tFailed to get lease: ${(error as Error).message}`);
    return;
  }
  lines.add(0, 'Lease:');
  lines.add(1, `HolderIdentity:\t${lease.spec?.holderIdentity ?? '<unset>'}`);
  lines.add(1, `AcquireTime:\t${lease.spec?.acquireTime ? longTime(lease.spec.acquireTime) : '<unset>'}`);
  lines.add(1, `RenewTime:\t${lease.spec?.renewTime ? longTime(lease.spec.renewTime) : '<unset>'}`);
}

export const describeNode: Describe<Node> = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  const roles = Object.entries(metadata.labels ?? {})
    .flatMap(([label, value]) => {
      if (label.startsWith('node-role.kubernetes.io/')) return [label.slice('node-role.kubernetes.io/'.length)];
      return label === 'kubernetes.io/role' && value ? [value] : [];
    })
    .filter((role) => role !== '');
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Roles:\t${roles.length > 0 ? roles.sort().join(',') : '<none>'}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `CreationTimestamp:\t${longTime(metadata.creationTimestamp)}`);
  const taints = (spec?.taints ?? [])
    .map((taint) => `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`)
    .sort();
  if (taints.length === 0) lines.add(0, 'Taints:\t<none>');
  taints.forEach((taint, at) => lines.add(0, at === 0 ? `Taints:\t${taint}` : `\t${taint}`));
  lines.add(0, `Unschedulable:\t${spec?.unschedulable ?? false}`);
  await leaseLines(call);
  if (status?.conditions?.length) {
    lines.add(0, 'Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage');
    lines.add(1, '----\t------\t-----------------\t------------------\t------\t-------');
    for (const condition of status.conditions) {
      lines.add(
        1,
        `${condition.type} \t${condition.status} \t${longTime(condition.lastHeartbeatTime)} \t${longTime(condition.lastTransitionTime)} \t${condition.reason ?? ''} \t${condition.message ?? ''}`,
      );
    }
  }
  lines.add(0, 'Addresses:');
  for (const address of status?.addresses ?? []) lines.add(1, `${address.type}:\t${address.address}`);
  amountLines(lines, 'Capacity', status?.capacity as Amounts);
  amountLines(lines, 'Allocatable', status?.allocatable as Amounts);
  const info = status?.nodeInfo;
  lines.add(0, 'System Info:');
  lines.add(1, `Machine ID:\t${info?.machineID ?? ''}`);
  lines.add(1, `System UUID:\t${info?.systemUUID ?? ''}`);
  lines.add(1, `Boot ID:\t${info?.bootID ?? ''}`);
  lines.add(1, `Kernel Version:\t${info?.kernelVersion ?? ''}`);
  lines.add(1, `OS Image:\t${info?.osImage ?? ''}`);
  lines.add(1, `Operating System:\t${info?.operatingSystem ?? ''}`);
  lines.add(1, `Architecture:\t${info?.architecture ?? ''}`);
  lines.add(1, `Container Runtime Version:\t${info?.containerRuntimeVersion ?? ''}`);
  lines.add(1, `Kubelet Version:\t${info?.kubeletVersion ?? ''}`);
  if (info?.kubeProxyVersion) lines.add(1, `Kube-Proxy Version:\t${info.kubeProxyVersion}`);
  if (spec?.podCIDR) lines.add(0, `PodCIDR:\t${spec.podCIDR}`);
  if (spec?.podCIDRs?.length) lines.add(0, `PodCIDRs:\t${spec.podCIDRs.join(',')}`);
  if (spec?.providerID) lines.add(0, `ProviderID:\t${spec.providerID}`);
  podTable(call, await podsOn(call));
  if (showEvents) eventLines(lines, events, now);
};
