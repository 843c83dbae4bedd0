import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '@shared/k8s';
import { canonicalQuantity, isQuantity, parseQuantity } from '@shared/quantity';
import { defineKind, type FieldError } from '../kind';
import { quantityRule } from '../pod/validation/resources';
import { ageColumn, text, wide } from '../printing';
import { keepAllButStatus, keepStatus, setDefault } from '../strategy';
import { differences } from '../validation/differences';
import { forbidden, invalid, invalidEach, oneOf, required } from '../validation/field';
import { validateLabelSelector } from '../validation/meta';
import { dnsSubdomain } from '../validation/strings';
import { formatAccessModes, storageClassOf, validateAccessModes } from './volumes';

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  status: true,
  defaults: defaultClaim,
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepAllButStatus,
  validate: (object) => validateClaimSpec(object.spec ?? {}),
  validateUpdate: validateChange,
  columns: [
    text('Status', 'Whether it is bound', (object) =>
      object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
    ),
    text('Volume', 'The volume it is bound to', (object) => object.spec?.volumeName ?? ''),
    text('Capacity', 'How much the volume holds', (object) =>
      object.spec?.volumeName ? (object.status?.capacity?.['storage'] ?? '') : '',
    ),
    text('Access Modes', 'How the volume can be mounted', (object) =>
      object.spec?.volumeName ? formatAccessModes(object.status?.accessModes) : '',
    ),
    text('StorageClass', 'Its storage class', storageClassOf),
    text(
      'VolumeAttributesClass',
      'Its volume attributes class',
      (object) => object.spec?.volumeAttributesClassName ?? '<unset>',
    ),
    ageColumn,
    wide('VolumeMode', 'A file system or a block device', (object) => object.spec?.volumeMode ?? '<unset>'),
  ],
  fieldSelectors: { name: (object) => object.metadata.name },
});

/** Sets what a claim, or a template for claims, leaves open. */
export function defaultClaim(object: Pick<PersistentVolumeClaim, 'spec' | 'status'>): void {
  setDefault((object.status ??= {}), 'phase', 'Pending');
  const spec = object.spec;
  if (!spec) return;
  setDefault(spec, 'volumeMode', 'Filesystem');
  for (const list of [spec.resources?.requests, spec.resources?.limits]) {
    for (const [name, quantity] of Object.entries(list ?? {})) {
      if (isQuantity(quantity)) list![name] = canonicalQuantity(quantity);
    }
  }
}

function validateClaimSpec(spec: PersistentVolumeClaimSpec): FieldError[] {
  const errors = validateAccessModes(spec.accessModes, 'at least 1 access mode is required');
  if (spec.selector) errors.push(...validateLabelSelector(spec.selector, 'spec.selector'));
  const storage = spec.resources?.requests?.['storage'];
  const at = 'spec.resources[storage]';
  if (storage === undefined) errors.push(required(at));
  else if (!isQuantity(storage)) errors.push(invalid(at, storage, quantityRule));
  else if (parseQuantity(storage) <= 0) errors.push(invalid(at, storage, 'must be greater than zero'));
  if (spec.storageClassName) {
    errors.push(...invalidEach('spec.storageClassName', spec.storageClassName, dnsSubdomain(spec.storageClassName)));
  }
  if (spec.volumeMode) errors.push(...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']));
  const { dataSource } = spec;
  if (dataSource && !dataSource.name) errors.push(required('spec.dataSource.name'));
  if (dataSource && !dataSource.apiGroup && dataSource.kind !== 'PersistentVolumeClaim') {
    const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(invalid('spec.dataSource', dataSource.kind, why));
  }
  return errors;
}

/** What a claim asks for is fixed, except that a bound one may ask for more room. */
function validateChange(object: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const bound = old.status?.phase === 'Bound';
  const fixed = (spec: PersistentVolumeClaimSpec = {}, before: PersistentVolumeClaimSpec): object => ({
    ...spec,
    // The binder fills in the volume of a claim that names none.
    ...(before.volumeName ? {} : { volumeName: '' }),
    ...(before.storageClassName === undefined ? { storageClassName: undefined } : {}),
    ...(bound ? { resources: undefined, volumeAttributesClassName: undefined } : {}),
  });
  const before = old.spec ?? {};
  const changed = differences(fixed(before, before), fixed(object.spec, before), '');
  if (changed.length > 0) {
    return [
      forbidden(
        'spec',
        `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${changed.join('\n')}\n`,
      ),
    ];
  }
  const [wanted, had] = [object, old].map((claim) => claim.spec?.resources?.requests?.['storage']);
  const capacity = old.status?.capacity?.['storage'];
  if (wanted && had && parseQuantity(wanted) < parseQuantity(had)) {
    const room = capacity && parseQuantity(wanted) > parseQuantity(capacity);
    if (!room) return [forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')];
  }
  return [];
}
