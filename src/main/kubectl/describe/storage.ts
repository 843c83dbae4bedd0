import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Volume } from '@shared/k8s';
import { listAll } from '../resources';
import { eventLines } from './events';
import { longTime, type Lines } from './lines';
import type { Describe, DescribeCall } from './types';
import { sourceRows } from './volumes';

const shortModes: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const modesText = (modes: readonly string[] | undefined): string =>
  (modes ?? []).map((mode) => shortModes[mode] ?? mode).join(',');

const finalizersText = (finalizers: readonly string[] | undefined): string => `[${(finalizers ?? []).join(' ')}]`;

function statusLine({ lines, object, age }: DescribeCall, phase: string | undefined): void {
  const { deletionTimestamp } = object.metadata ?? {};
  lines.add(0, `Status:\t${deletionTimestamp ? `Terminating (lasts ${age(deletionTimestamp)})` : (phase ?? '')}`);
}

/** The pods that use a claim. */
async function usersOf({ session }: DescribeCall, { metadata }: PersistentVolumeClaim): Promise<string[]> {
  const list = await listAll(session, (await session.discovery()).resolve('pods'), metadata.namespace);
  return (list.items as Pod[])
    .filter((pod) =>
      pod.spec?.volumes?.some(
        ({ name, persistentVolumeClaim, ephemeral }) =>
          persistentVolumeClaim?.claimName === metadata.name ||
          (ephemeral && `${pod.metadata.name}-${name}` === metadata.name),
      ),
    )
    .map((pod) => pod.metadata.name);
}

export const describeClaim: Describe<PersistentVolumeClaim> = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  lines.add(0, `StorageClass:\t${spec?.storageClassName ?? ''}`);
  statusLine(call, status?.phase);
  lines.add(0, `Volume:\t${spec?.volumeName ?? ''}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Finalizers:\t${finalizersText(metadata.finalizers)}`);
  // Only a claim that has a volume has what the volume has.
  lines.add(0, `Capacity:\t${spec?.volumeName ? (status?.capacity?.storage ?? '') : ''}`);
  lines.add(0, `Access Modes:\t${spec?.volumeName ? modesText(status?.accessModes) : ''}`);
  lines.add(0, `VolumeMode:\t${spec?.volumeMode ?? 'Filesystem'}`);
  const users = await usersOf(call, object);
  if (users.length === 0) lines.add(0, 'Used By:\t<none>');
  users.forEach((name, at) => lines.add(0, `${at === 0 ? 'Used By:' : ''}\t${name}`));
  if (status?.conditions?.length) {
    lines.add(0, 'Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage');
    lines.add(1, '----\t------\t-----------------\t------------------\t------\t-------');
    for (const condition of status.conditions) {
      const { type, lastProbeTime, lastTransitionTime, reason, message } = condition;
      lines.add(
        1,
        `${type} \t${condition.status} \t${longTime(lastProbeTime)} \t${longTime(lastTransitionTime)} \t${reason ?? ''} \t${message ?? ''}`,
      );
    }
  }
  if (showEvents) eventLines(lines, events, now);
};

function affinityLines(lines: Lines, volume: PersistentVolume): void {
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (!terms) {
    lines.add(0, 'Node Affinity:\t<none>');
    return;
  }
  lines.add(0, 'Node Affinity:');
  lines.add(1, 'Required Terms:');
  terms.forEach(({ matchExpressions = [] }, at) => {
    const texts = matchExpressions.map(
      ({ key, operator, values }) =>
        `${key} ${operator.toLowerCase()}${values?.length ? ` [${values.join(', ')}]` : ''}`,
    );
    if (texts.length === 0) lines.add(2, `Term ${at}:\t<none>`);
    texts.forEach((text, line) => lines.add(2, `${line === 0 ? `Term ${at}:` : ''}\t${text}`));
  });
}

export const describeVolume: Describe<PersistentVolume> = (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.annotations(0, 'Annotations', metadata.annotations);
  lines.add(0, `Finalizers:\t${finalizersText(metadata.finalizers)}`);
  lines.add(0, `StorageClass:\t${spec?.storageClassName ?? ''}`);
  statusLine(call, status?.phase);
  lines.add(0, `Claim:\t${spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : ''}`);
  lines.add(0, `Reclaim Policy:\t${spec?.persistentVolumeReclaimPolicy ?? ''}`);
  lines.add(0, `Access Modes:\t${modesText(spec?.accessModes)}`);
  lines.add(0, `VolumeMode:\t${spec?.volumeMode ?? 'Filesystem'}`);
  lines.add(0, `Capacity:\t${spec?.capacity?.storage ?? ''}`);
  affinityLines(lines, object);
  lines.add(0, `Message:\t${status?.message ?? ''}`);
  lines.add(0, 'Source:');
  const { type, rows } = spec?.local
    ? {
        type: 'LocalVolume (a persistent volume backed by local storage on a node)',
        rows: [['Path', spec.local.path]] as [string, unknown][],
      }
    : sourceRows(spec as unknown as Volume);
  lines.add(2, `Type:\t${type}`);
  for (const [title, value] of rows) lines.add(2, value === undefined ? title : `${title}:\t${String(value)}`);
  if (showEvents) eventLines(lines, events, now);
};

const pairsText = (map: Record<string, string> | undefined): string =>
  Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${map![key]}`)
    .join(',') || '<none>';

export const describeStorageClass: Describe<StorageClass> = ({ lines, object, events, now, showEvents }) => {
  const { metadata } = object;
  const isDefault = metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
  lines.add(0, `Name:\t${metadata.name}`);
  lines.add(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}`);
  lines.add(0, `Annotations:\t${pairsText(metadata.annotations)}`);
  lines.add(0, `Provisioner:\t${object.provisioner}`);
  lines.add(0, `Parameters:\t${pairsText(object.parameters)}`);
  const grows = object.allowVolumeExpansion;
  lines.add(0, `AllowVolumeExpansion:\t${grows === undefined ? '<unset>' : grows ? 'True' : 'False'}`);
  const options = object.mountOptions ?? [];
  lines.add(0, `MountOptions:${options.length === 0 ? '\t<none>' : ''}`);
  for (const option of options) lines.add(1, option);
  if (object.reclaimPolicy) lines.add(0, `ReclaimPolicy:\t${object.reclaimPolicy}`);
  if (object.volumeBindingMode) lines.add(0, `VolumeBindingMode:\t${object.volumeBindingMode}`);
  if (showEvents) eventLines(lines, events, now);
};
