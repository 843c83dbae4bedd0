/** The names, ordinals and pods of a StatefulSet. */
import type { ControllerRevision, KubeObject, Pod, StatefulSet } from '@shared/k8s';
import { controllerRef } from '../../client/owners';
import { resources } from '../../client/resources';
import { templateOf } from '../revisions';

export const revisionLabel = 'controller-revision-hash';
export const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

export const startOf = (set: StatefulSet): number => set.spec?.ordinals?.start ?? 0;
export const replicasOf = (set: StatefulSet): number => set.spec?.replicas ?? 1;
export const podName = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`;

/** The name of an ordinal's claim of a template. */
export const claimName = (set: StatefulSet, template: string, ordinal: number): string =>
  `${template}-${podName(set, ordinal)}`;

/** The number in a pod's name; undefined when it is no name the set gives. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const digits = /^(.*)-(0|[1-9]\d*)$/.exec(pod.metadata.name);
  return digits?.[1] === set.metadata.name ? Number(digits[2]) : undefined;
}

export const isWanted = (set: StatefulSet, ordinal: number): boolean =>
  ordinal >= startOf(set) && ordinal < startOf(set) + replicasOf(set);

/** What tells a pod from its siblings. */
export const identityLabels = (set: StatefulSet, ordinal: number): Record<string, string> => ({
  [podNameLabel]: podName(set, ordinal),
  [podIndexLabel]: String(ordinal),
});

/** The pod of an ordinal as a revision has it, with its own claims in place of volumes of their names. */
export function statefulPod(set: StatefulSet, ordinal: number, revision: ControllerRevision): KubeObject {
  const { metadata, spec } = templateOf(revision);
  const name = podName(set, ordinal);
  const claims = (set.spec?.volumeClaimTemplates ?? []).map((template) => template.metadata!.name!);
  const volumes = [
    ...claims.map((volume) => ({
      name: volume,
      persistentVolumeClaim: { claimName: claimName(set, volume, ordinal) },
    })),
    ...(spec?.volumes ?? []).filter((volume) => !claims.includes(volume.name)),
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: set.metadata.namespace,
      labels: { ...metadata?.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision.metadata.name },
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [controllerRef(resources.statefulSets, set)],
    },
    spec: {
      ...spec,
      hostname: name,
      ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length ? { volumes } : {}),
    },
  };
}
