import type { PriorityClass } from '../k8s';
import { defineKindView } from './types';

export const priorityClasses = defineKindView<PriorityClass>({
  id: 'priorityclasses',
  group: 'scheduling.k8s.io',
  version: 'v1',
  plural: 'priorityclasses',
  kind: 'PriorityClass',
  namespaced: false,
  section: 'config',
  order: 70,
  icon: 'ListOrdered',
  columns: [
    { id: 'value', renderer: 'number', width: 120, align: 'end', value: (object) => object.value ?? null },
    { id: 'globalDefault', renderer: 'text', width: 120, value: (object) => (object.globalDefault ? 'Yes' : 'No') },
    {
      id: 'preemption',
      renderer: 'text',
      width: 190,
      value: (object) => object.preemptionPolicy ?? 'PreemptLowerPriority',
    },
    { id: 'description', renderer: 'text', width: 320, wide: true, value: (object) => object.description ?? null },
  ],
  capabilities: {},
  template: `apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: important
value: 1000
`,
});
