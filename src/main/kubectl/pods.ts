import type { KubeObject, LabelSelector, Pod } from '@shared/k8s';
import { formatSelector } from '@shared/selectors';
import type { CommandCall } from './command';
import { KubectlError } from './errors';
import { fetchTarget, listAll, parseSelections, type Target } from './resources';

/** Names of all containers as messages list them. */
function allContainers(pod: Pod): string {
  return [
    ...pod.spec!.containers.map((container) => container.name),
    ...(pod.spec!.initContainers ?? []).map((container) => `${container.name} (init)`),
    ...(pod.spec!.ephemeralContainers ?? []).map((container) => `${container.name} (ephem)`),
  ].join(', ');
}

/**
 * The container a command means when it was not told: the one the pod's annotation names, or the first.
 * Says so on stderr when there are several. @throws KubectlError for a container the pod has not
 */
export function chooseContainer(call: CommandCall, pod: Pod, wanted: string, quiet = false): string {
  const names = [
    ...pod.spec!.containers,
    ...(pod.spec!.initContainers ?? []),
    ...(pod.spec!.ephemeralContainers ?? []),
  ].map((container) => container.name);
  if (wanted) {
    if (names.includes(wanted)) return wanted;
    throw new KubectlError(
      `container ${wanted} is not valid for pod ${pod.metadata.name} out of: ${allContainers(pod)}`,
    );
  }
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated && names.includes(annotated)) return annotated;
  const first = pod.spec!.containers[0]!.name;
  if (names.length > 1 && !quiet)
    call.err(`Defaulted container ${JSON.stringify(first)} out of: ${allContainers(pod)}\n`);
  return first;
}

/** Orders pods by how well they can be talked to: the least first. */
export const activity = (pod: Pod): number => {
  const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  const phases = ['Running', 'Pending', 'Unknown'];
  const phase = phases.indexOf(pod.status?.phase ?? '');
  return (ready ? 0 : 10) + (phase < 0 ? phases.length : phase) + (pod.metadata.deletionTimestamp ? 100 : 0);
};

/** The label selector of the pods an object stands for. @throws KubectlError when it stands for none */
export function podSelectorOf(object: KubeObject): string {
  if (object.kind === 'Service') {
    const labels = object.spec?.selector as Record<string, string> | undefined;
    if (!labels || Object.keys(labels).length === 0) {
      throw new KubectlError(`invalid service '${object.metadata?.name}': Service is defined without a selector`);
    }
    return formatSelector({ matchLabels: labels });
  }
  const selector = object.spec?.selector as LabelSelector | Record<string, string> | undefined;
  if (!selector) throw new KubectlError(`cannot get the logs from ${object.kind}: no pods belong to it`);
  const structured = 'matchLabels' in selector || 'matchExpressions' in selector;
  return formatSelector(structured ? (selector as LabelSelector) : { matchLabels: selector as Record<string, string> });
}

/** The pods an object stands for, the best first: running and ready, then the oldest. */
export async function podsOf(call: CommandCall, target: Target): Promise<Pod[]> {
  const object = await fetchTarget(call.session, target);
  if (target.mapping.kind === 'Pod') return [object as Pod];
  const discovery = await call.session.discovery();
  const list = await listAll(call.session, discovery.resolve('pods'), target.namespace, {
    labelSelector: podSelectorOf(object),
  });
  return (list.items as Pod[]).sort(
    (a, b) => activity(a) - activity(b) || (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1),
  );
}

/** What `POD` or `TYPE/NAME` names. */
export async function podTarget(call: CommandCall, word: string): Promise<Target> {
  const discovery = await call.session.discovery();
  const [selection] = parseSelections(discovery, word.includes('/') ? [word] : ['pods', word]);
  const { mapping, name } = selection!;
  return { mapping, name: name!, namespace: mapping.namespaced ? await call.session.namespace() : undefined };
}

/** The one pod a command works on. @throws KubectlError when there is none */
export async function onePod(call: CommandCall, word: string): Promise<Pod> {
  const target = await podTarget(call, word);
  const [pod] = await podsOf(call, target);
  if (!pod) throw new KubectlError(`error: no pods found for ${target.mapping.plural}/${target.name}`);
  return pod;
}
