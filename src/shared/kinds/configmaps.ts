import type { ConfigMap } from '../k8s';
import { keysOf } from './helpers';
import { defineKindView } from './types';

export const configMaps = defineKindView<ConfigMap>({
  id: 'configmaps',
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
  section: 'config',
  order: 10,
  icon: 'FileCog',
  columns: [
    {
      id: 'keys',
      renderer: 'list',
      width: 320,
      value: (object) => keysOf(object.data, object.binaryData),
    },
    {
      id: 'dataCount',
      renderer: 'number',
      width: 80,
      align: 'end',
      value: (object) => keysOf(object.data, object.binaryData).length,
    },
  ],
  search: (object) => keysOf(object.data, object.binaryData).join(' '),
  capabilities: {},
  template: `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  GREETING: hello
`,
});
