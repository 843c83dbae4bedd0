import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@shared/k8s';
import { matchesNodeSelectorTerm } from '@shared/node-selector';
import { parseBytes } from '@shared/quantity';
import { matchesSelector } from '@shared/selectors';

/** Set by the scheduler on a claim that waited for its first pod: where the volume is to be made. */
export const selectedNode = 'volume.kubernetes.io/selected-node';

const unprovisioned = 'kubernetes.io/no-provisioner';

export const isBound = ({ spec, status }: PersistentVolumeClaim): boolean =>
  Boolean(spec?.volumeName) && status?.phase === 'Bound';

/** Whether a volume can be used from a node. */
export function reachable({ spec }: PersistentVolume, node: Node): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return !terms || terms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** Whether a volume that is there can be given to a claim. */
export function suits({ spec: volume, metadata, status }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const wanted = claim.spec;
  if (metadata.deletionTimestamp || !volume) return false;
  const holder = volume.claimRef;
  if (holder) {
    // Kept for this very claim, or taken.
    const mine = holder.namespace === claim.metadata.namespace && holder.name === claim.metadata.name;
    if (!mine || (holder.uid && holder.uid !== claim.metadata.uid)) return false;
  } else if (status?.phase !== undefined && status.phase !== 'Available' && status.phase !== 'Pending') return false;
  if ((volume.storageClassName ?? '') !== (wanted?.storageClassName ?? '')) return false;
  if ((volume.volumeMode ?? 'Filesystem') !== (wanted?.volumeMode ?? 'Filesystem')) return false;
  if (!(wanted?.accessModes ?? []).every((mode) => volume.accessModes?.includes(mode))) return false;
  if (wanted?.selector && !matchesSelector(wanted.selector, metadata.labels)) return false;
  return parseBytes(volume.capacity?.storage ?? '0') >= parseBytes(wanted?.resources?.requests?.storage ?? '0');
}

/** Whether volumes of a class can be made for a node. */
export function provisionable(storageClass: StorageClass | undefined, node: Node): boolean {
  if (!storageClass?.provisioner || storageClass.provisioner === unprovisioned) return false;
  const terms = storageClass.allowedTopologies;
  if (!terms?.length) return true;
  return terms.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(node.metadata.labels?.[key] ?? '')),
  );
}
