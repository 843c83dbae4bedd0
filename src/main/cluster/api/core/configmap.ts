import type { ConfigMap } from '@shared/k8s';
import { defineKind } from '../kind';
import { invalid } from '../validation/field';
import { validateImmutable, validateKeys, validateSize } from './data';
import { ageColumn, integer } from '../printing';

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  validate: (object) => [
    ...validateKeys(object.data, 'data'),
    ...Object.keys(object.binaryData ?? {})
      .filter((key) => object.data && key in object.data)
      .map((key) => invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')),
    ...validateKeys(object.binaryData, 'binaryData'),
    ...validateSize('[]', object.data, object.binaryData),
  ],
  validateUpdate: (object, old) => validateImmutable(object, old, ['data', 'binaryData']),
  columns: [
    integer(
      'Data',
      'How many entries it holds',
      (object) => Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    ),
    ageColumn,
  ],
});
