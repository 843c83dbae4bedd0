import type { Namespace } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, text } from '../printing';
import { keepAllButStatus, keepStatus } from '../strategy';

const nameLabel = 'kubernetes.io/metadata.name';

export const namespace = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  nameRule: 'label',
  namespaced: false,
  // No deletecollection: nobody deletes every namespace at once.
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  status: true,
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  defaults(object) {
    // With generateName there is no name yet; the label then comes in prepareForCreate.
    if (object.metadata?.name) (object.metadata.labels ??= {})[nameLabel] = object.metadata.name;
  },
  prepareForCreate(object) {
    if (object.metadata.name) (object.metadata.labels ??= {})[nameLabel] = object.metadata.name;
    object.status = { phase: 'Active' };
    const finalizers = object.spec?.finalizers ?? [];
    object.spec = {
      ...object.spec,
      finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
    };
  },
  prepareForUpdate(object, old) {
    object.spec = { ...object.spec, finalizers: old.spec?.finalizers };
    keepStatus(object, old);
  },
  prepareForStatusUpdate: keepAllButStatus,
  columns: [text('Status', 'The status of the namespace', (object) => object.status?.phase ?? ''), ageColumn],
  fieldSelectors: {
    'status.phase': (object) => object.status?.phase ?? '',
    name: (object) => object.metadata.name,
  },
});
