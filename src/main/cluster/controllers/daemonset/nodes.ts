/** Which nodes a DaemonSet runs on, and the pod it makes for one of them. */
import type { DaemonSet, KubeObject, Node, Pod, PodSpec, Toleration } from '@shared/k8s';
import { matchesNodeSelection } from '@shared/node-selector';
import { untolerated } from '@shared/taints';
import { controllerRef } from '../../client/owners';
import { resources } from '../../client/resources';

export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
export const generationAnnotation = 'deprecated.daemonset.template.generation';

const exists = (name: string, effect: string): Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect,
});

/** A daemon stays on a node in trouble, and gets there first. */
const daemonTolerations = [
  exists('not-ready', 'NoExecute'),
  exists('unreachable', 'NoExecute'),
  exists('disk-pressure', 'NoSchedule'),
  exists('memory-pressure', 'NoSchedule'),
  exists('pid-pressure', 'NoSchedule'),
  exists('unschedulable', 'NoSchedule'),
];

function tolerationsOf(spec: PodSpec | undefined): Toleration[] {
  const own = spec?.tolerations ?? [];
  const automatic = spec?.hostNetwork
    ? [...daemonTolerations, exists('network-unavailable', 'NoSchedule')]
    : daemonTolerations;
  const same = (a: Toleration, b: Toleration) =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && !a.value;
  return [
    ...own.filter((toleration) => !automatic.some((other) => same(toleration, other))),
    ...automatic.map((toleration) => ({ ...toleration })),
  ];
}

/**
 * Whether a DaemonSet wants a pod on a node, and whether one that is there may
 * stay: a NoSchedule taint keeps new pods away only.
 */
export function eligibility(set: DaemonSet, node: Node): { shouldRun: boolean; mayStay: boolean } {
  const no = { shouldRun: false, mayStay: false };
  const spec = set.spec?.template.spec;
  if (spec?.nodeName && spec.nodeName !== node.metadata.name) return no;
  if (!matchesNodeSelection(spec, node)) return no;
  const tolerations = tolerationsOf(spec);
  const { taints } = node.spec ?? {};
  if (untolerated(taints, tolerations, ['NoExecute'])) return no;
  return { shouldRun: !untolerated(taints, tolerations, ['NoSchedule']), mayStay: true };
}

/** The node a daemon pod runs on, or is meant for. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const name = matchFields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    if (name?.values?.length === 1) return name.values[0];
  }
  return undefined;
}

/** The pod of a DaemonSet for a node. Node affinity names the node, so that the scheduler binds it there. */
export function daemonPod(set: DaemonSet, node: string, hash: string): KubeObject {
  const { metadata, spec } = set.spec!.template;
  const generation = set.metadata.annotations?.[generationAnnotation];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: { ...metadata?.labels, [hashLabel]: hash, ...(generation ? { [generationLabel]: generation } : {}) },
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [controllerRef(resources.daemonSets, set)],
    },
    spec: {
      ...spec,
      tolerations: tolerationsOf(spec),
      affinity: {
        ...spec?.affinity,
        nodeAffinity: {
          ...spec?.affinity?.nodeAffinity,
          // In place of the template's terms, which the node has met already.
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
          },
        },
      },
    },
  };
}

/** The pods by the node they are on or meant for; those that have ended and are being deleted count no more. */
export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (ended && pod.metadata.deletionTimestamp) continue;
    const node = targetNode(pod);
    if (node === undefined) continue;
    const there = byNode.get(node);
    if (there) there.push(pod);
    else byNode.set(node, [pod]);
  }
  for (const there of byNode.values()) there.sort(byAge);
  return byNode;
}

/** Bound pods first, then the oldest. */
function byAge(a: Pod, b: Pod): number {
  const bound = Number(Boolean(b.spec?.nodeName)) - Number(Boolean(a.spec?.nodeName));
  if (bound) return bound;
  const [first, second] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return first !== second ? (first < second ? -1 : 1) : a.metadata.name < b.metadata.name ? -1 : 1;
}
