import type { PersistentVolume } from '@shared/k8s';
import { isQuantity, parseQuantity } from '@shared/quantity';
import { timestamp } from '../../clock';
import { defineKind, type FieldError } from '../kind';
import { validateQuantity } from '../pod/validation/resources';
import { ageColumn, text, wide } from '../printing';
import { keepAllButStatus, keepStatus, setDefault } from '../strategy';
import { differences } from '../validation/differences';
import { forbidden, immutableMessage, invalid, invalidEach, notSupported, oneOf, required } from '../validation/field';
import { dnsSubdomain } from '../validation/strings';
import { formatAccessModes, storageClassOf, validateAccessModes } from './volumes';

type Spec = NonNullable<PersistentVolume['spec']>;

/** The fields of a spec that do not say where the volume is. */
const notSources = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

const sourcesOf = (spec: Spec): [string, unknown][] =>
  Object.entries(spec).filter(([key, value]) => !notSources.has(key) && value !== undefined && value !== null);

export const persistentVolume = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  status: true,
  defaults(object) {
    setDefault((object.status ??= {}), 'phase', 'Pending');
    const spec = object.spec;
    if (!spec) return;
    setDefault(spec, 'persistentVolumeReclaimPolicy', 'Retain');
    setDefault(spec, 'volumeMode', 'Filesystem');
    if (spec.hostPath) setDefault(spec.hostPath, 'type', '');
  },
  prepareForCreate(object, { clock }) {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: timestamp(clock.now()) };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate(object, old, { clock }) {
    keepAllButStatus(object, old);
    if (object.status && object.status.phase !== old.status?.phase) {
      object.status = { ...object.status, lastPhaseTransitionTime: timestamp(clock.now()) };
    }
  },
  validate: validateVolume,
  warnings: (object) =>
    object.spec?.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : [],
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    const before = Object.fromEntries(sourcesOf(old.spec ?? {}));
    const after = Object.fromEntries(sourcesOf(object.spec ?? {}));
    const changed = differences(before, after, '');
    if (changed.length > 0) {
      errors.push(
        forbidden(
          'spec.persistentvolumesource',
          `spec.persistentvolumesource is immutable after creation\n${changed.join('\n')}\n`,
        ),
      );
    }
    if (object.spec?.volumeMode !== old.spec?.volumeMode) {
      errors.push(invalid('spec.volumeMode', object.spec?.volumeMode, immutableMessage));
    }
    if (old.spec?.nodeAffinity && differences(old.spec.nodeAffinity, object.spec?.nodeAffinity, '').length > 0) {
      errors.push(invalid('spec.nodeAffinity', object.spec?.nodeAffinity ?? null, immutableMessage));
    }
    return errors;
  },
  columns: [
    text('Capacity', 'How much it holds', (object) => object.spec?.capacity?.['storage'] ?? ''),
    text('Access Modes', 'How it can be mounted', (object) => formatAccessModes(object.spec?.accessModes)),
    text(
      'Reclaim Policy',
      'What becomes of it when its claim is gone',
      (object) => object.spec?.persistentVolumeReclaimPolicy ?? '',
    ),
    text('Status', 'Whether it is free, bound or released', (object) =>
      object.metadata.deletionTimestamp ? 'Terminating' : (object.status?.phase ?? ''),
    ),
    text('Claim', 'The claim it is bound to', (object) => {
      const claim = object.spec?.claimRef;
      return claim ? `${claim.namespace}/${claim.name}` : '';
    }),
    text('StorageClass', 'Its storage class', storageClassOf),
    text(
      'VolumeAttributesClass',
      'Its volume attributes class',
      (object) => object.spec?.volumeAttributesClassName ?? '<unset>',
    ),
    text('Reason', 'Why it is in this state', (object) => object.status?.reason ?? ''),
    ageColumn,
    wide('VolumeMode', 'A file system or a block device', (object) => object.spec?.volumeMode ?? '<unset>'),
  ],
  fieldSelectors: { name: (object) => object.metadata.name },
});

function validateVolume(object: PersistentVolume): FieldError[] {
  const spec = object.spec ?? {};
  const errors = validateAccessModes(spec.accessModes, '');
  const capacity = Object.entries(spec.capacity ?? {});
  if (capacity.length === 0) errors.push(required('spec.capacity'));
  else if (capacity.length > 1 || capacity[0]![0] !== 'storage') {
    errors.push(notSupported('spec.capacity', spec.capacity, ['storage']));
  }
  for (const [name, quantity] of capacity) {
    const at = `spec.capacity[${name}]`;
    errors.push(...validateQuantity(quantity, at));
    if (isQuantity(quantity) && parseQuantity(quantity) === 0) {
      errors.push(invalid(at, quantity, 'must be greater than zero'));
    }
  }
  if (spec.persistentVolumeReclaimPolicy) {
    errors.push(
      ...oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, [
        'Delete',
        'Recycle',
        'Retain',
      ]),
    );
  }
  errors.push(...validateSource(spec));
  if (spec.storageClassName) {
    errors.push(...invalidEach('spec.storageClassName', spec.storageClassName, dnsSubdomain(spec.storageClassName)));
  }
  return [...errors, ...oneOf('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem'])];
}

function validateSource(spec: Spec): FieldError[] {
  const sources = sourcesOf(spec);
  if (sources.length === 0) return [required('spec', 'must specify a volume type')];
  const errors = sources.slice(1).map(([name]) => forbidden(`spec.${name}`, 'may not specify more than 1 volume type'));
  if (spec.hostPath) {
    const { path } = spec.hostPath;
    if (!path) errors.push(required('spec.hostPath.path'));
    else if (path.split('/').includes('..')) errors.push(invalid('spec.hostPath.path', path, "must not contain '..'"));
    if (path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
      errors.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"));
    }
  }
  if (spec.local) {
    if (!spec.local.path) errors.push(required('spec.local.path'));
    if (!spec.nodeAffinity?.required) {
      errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'));
    }
  }
  if (spec.nfs) {
    for (const field of ['server', 'path'] as const) if (!spec.nfs[field]) errors.push(required(`spec.nfs.${field}`));
  }
  if (spec.csi) {
    for (const field of ['driver', 'volumeHandle'] as const) {
      if (!spec.csi[field]) errors.push(required(`spec.csi.${field}`));
    }
  }
  return errors;
}
