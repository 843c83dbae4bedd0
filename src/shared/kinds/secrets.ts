import type { Secret } from '../k8s';
import { keysOf } from './helpers';
import { defineKindView } from './types';

/** Only the names of the keys leave the object, never a value. */
export const secrets = defineKindView<Secret>({
  id: 'secrets',
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
  section: 'config',
  order: 20,
  icon: 'KeyRound',
  columns: [
    { id: 'type', renderer: 'mono', width: 240, value: (object) => object.type ?? 'Opaque' },
    { id: 'keys', renderer: 'list', width: 280, value: (object) => keysOf(object.data) },
    { id: 'dataCount', renderer: 'number', width: 80, align: 'end', value: (object) => keysOf(object.data).length },
  ],
  search: (object) => keysOf(object.data).join(' '),
  capabilities: {},
  template: `apiVersion: v1
kind: Secret
metadata:
  name: credentials
type: Opaque
stringData:
  password: change-me
`,
});
