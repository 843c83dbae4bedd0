import { defineKind } from '../kind';
import { createdAtColumn } from '../printing';
import { bumpGeneration, keepAllButStatus, keepStatus } from '../strategy';
import { cleanupFinalizer, storageVersion, type CustomResourceDefinition } from './types';
import { validateDefinition, validateDefinitionUpdate } from './validation';

/** CustomResourceDefinition: a kind that is added at run time (see apiserver/custom). */
export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  status: true,
  columns: [createdAtColumn],
  defaults(object) {
    const { spec } = object;
    if (!spec?.names) return;
    const { names } = spec;
    spec.names = {
      ...names,
      singular: names.singular || names.kind?.toLowerCase(),
      listKind: names.listKind || (names.kind ? `${names.kind}List` : undefined),
    };
    spec.conversion ??= { strategy: 'None' };
    const storage = storageVersion(object);
    if (!object.status?.storedVersions?.length && storage) {
      object.status = { ...object.status, storedVersions: [storage] };
    }
  },
  prepareForCreate(object) {
    const storage = storageVersion(object);
    object.metadata.generation = 1;
    object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), cleanupFinalizer])];
    object.status = { storedVersions: storage ? [storage] : [] };
  },
  prepareForUpdate(object, old) {
    keepStatus(object, old);
    bumpGeneration(object, old);
    const storage = storageVersion(object);
    const stored = object.status?.storedVersions ?? [];
    if (storage && !stored.includes(storage)) {
      object.status = { ...object.status, storedVersions: [...stored, storage] };
    }
  },
  prepareForStatusUpdate: keepAllButStatus,
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  warnings: ({ spec, metadata }) =>
    spec.conversion?.strategy === 'Webhook'
      ? [
          `Gantry does not call conversion webhooks: objects of ${metadata.name} change nothing but their apiVersion from version to version`,
        ]
      : [],
});
