import type { Pod, Toleration } from '@shared/k8s';
import { systemPriorities } from '../scheduling/priorityclass';

/** What admission adds to every new pod: account, priority and how long it stays on a node in trouble. */
export function admitPod(pod: Pod): void {
  const spec = pod.spec;
  if (!spec) return;
  spec.serviceAccountName ||= 'default';
  spec.serviceAccount = spec.serviceAccountName;
  spec.priority ??= systemPriorities[spec.priorityClassName ?? ''] ?? 0;
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
  tolerateForAWhile(pod);
}

/** Adds the five minutes a pod stays on a node that is not ready or unreachable, unless it says otherwise itself. */
export function tolerateForAWhile(pod: Pod): void {
  const spec = pod.spec;
  if (!spec) return;
  const missing = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter(
    (key) => !spec.tolerations?.some((toleration) => concerns(toleration, key)),
  );
  if (missing.length === 0) return;
  spec.tolerations = [
    ...(spec.tolerations ?? []),
    ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
  ];
}

const concerns = (toleration: Toleration, key: string): boolean =>
  (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === 'NoExecute');
