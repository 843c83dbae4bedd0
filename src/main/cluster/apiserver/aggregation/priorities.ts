/**
 * The order of groups in discovery, higher first, as kube-apiserver registers its own
 * (and metrics-server the resource metrics).
 */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'metrics.k8s.io': 100,
};
/** Of groups that CustomResourceDefinitions make. */
const customGroupPriority = 1000;

/** The groupPriorityMinimum of a group that the server serves itself. */
export const groupPriorityOf = (group: string): number => groupPriorities[group] ?? customGroupPriority;

/** The versionPriority of such a group's versions, by their place in discovery. */
export function versionPriorityOf(group: string, place: number, count: number): number {
  if (groupPriorities[group] === undefined || groupPriorities[group] === 100) return 100 - Math.min(place, 99);
  return group === '' ? 1 : 15 * (count - place);
}
