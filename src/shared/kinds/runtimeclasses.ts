import type { RuntimeClass } from '../k8s';
import { defineKindView } from './types';

export const runtimeClasses = defineKindView<RuntimeClass>({
  id: 'runtimeclasses',
  group: 'node.k8s.io',
  version: 'v1',
  plural: 'runtimeclasses',
  kind: 'RuntimeClass',
  namespaced: false,
  section: 'config',
  order: 72,
  icon: 'Layers2',
  columns: [{ id: 'handler', renderer: 'mono', width: 240, value: (object) => object.handler ?? null }],
  capabilities: {},
});
