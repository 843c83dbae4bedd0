import type { KubeObject } from '@shared/k8s';
import type { FieldError } from '../kind';
import { forbidden, notSupported, required } from '../validation/field';

/** What volumes and claims on them have in common. */

const short: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** Access modes as `RWO,RWX`, always in the same order. */
export function formatAccessModes(modes: string[] | undefined): string {
  return Object.keys(short)
    .filter((mode) => modes?.includes(mode))
    .map((mode) => short[mode])
    .join(',');
}

/** Faults of the access modes in a spec. */
export function validateAccessModes(modes: string[] | undefined, missing: string): FieldError[] {
  if (!modes?.length) return [required('spec.accessModes', missing)];
  const supported = Object.keys(short).toSorted();
  const errors = modes
    .filter((mode) => !(mode in short))
    .map((mode) => notSupported('spec.accessModes', mode, supported));
  if (modes.includes('ReadWriteOncePod') && modes.length > 1) {
    errors.push(forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes'));
  }
  return errors;
}

/** The storage class of a volume or claim, also where the old annotation names it. */
export function storageClassOf(object: KubeObject): string {
  return (
    object.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? object.spec?.storageClassName ?? ''
  );
}
