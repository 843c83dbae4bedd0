import type { StorageClass } from '@shared/k8s';
import { newestClass } from '../default-class';
import { defineKind } from '../kind';
import { ageColumn, text } from '../printing';
import { setDefault } from '../strategy';
import { differences } from '../validation/differences';
import { forbidden, immutableMessage, invalid, oneOf, required } from '../validation/field';

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

/** Whether claims that name no class get this one. */
export const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  defaultAnnotations.some((key) => metadata.annotations?.[key] === 'true');

/** The class of claims that name none: the newest, where several are marked as default. */
export function defaultClassOf(classes: readonly StorageClass[]): StorageClass | undefined {
  return newestClass(classes.filter(isDefaultClass));
}

export const storageClass = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  nameColumn: false,
  defaults(object) {
    setDefault(object, 'reclaimPolicy', 'Delete');
    setDefault(object, 'volumeBindingMode', 'Immediate');
  },
  validate: (object) => [
    ...(object.provisioner ? [] : [required('provisioner')]),
    ...oneOf('reclaimPolicy', object.reclaimPolicy, ['Delete', 'Retain']),
    ...oneOf('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
  ],
  validateUpdate: (object, old) => [
    ...(['parameters', 'provisioner', 'reclaimPolicy'] as const)
      .filter((field) => differences(old[field], object[field], '').length > 0)
      .map((field) => forbidden(field, `updates to ${field} are forbidden.`)),
    ...(object.volumeBindingMode === old.volumeBindingMode
      ? []
      : [invalid('volumeBindingMode', object.volumeBindingMode, immutableMessage)]),
  ],
  columns: [
    {
      ...text<StorageClass>(
        'Name',
        'The name, and whether claims that name no class get this one',
        (object) => `${object.metadata.name}${isDefaultClass(object) ? ' (default)' : ''}`,
      ),
      format: 'name',
    },
    text('Provisioner', 'Who makes its volumes', (object) => object.provisioner ?? ''),
    text('ReclaimPolicy', 'What becomes of a volume when its claim is gone', (object) => object.reclaimPolicy ?? ''),
    text('VolumeBindingMode', 'When claims are bound', (object) => object.volumeBindingMode ?? ''),
    text('AllowVolumeExpansion', 'Whether claims may grow', (object) => object.allowVolumeExpansion ?? false),
    ageColumn,
  ],
});
