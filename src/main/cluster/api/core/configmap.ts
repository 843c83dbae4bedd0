import type { ConfigMap } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer } from '../printing';

export const configMap = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  columns: [
    integer(
      'Data',
      'How many entries it holds',
      (object) => Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    ),
    ageColumn,
  ],
});
