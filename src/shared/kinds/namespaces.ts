import type { Namespace } from '../k8s';
import { status } from './helpers';
import { defineKindView } from './types';

export const namespaces = defineKindView<Namespace>({
  id: 'namespaces',
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
  section: 'cluster',
  order: 20,
  icon: 'SquareDashed',
  columns: [{ id: 'labels', renderer: 'labels', width: 360, value: (object) => object.metadata.labels ?? {} }],
  status: (object) => {
    const phase = object.status?.phase ?? 'Active';
    const stuck = (object.status?.conditions ?? []).find((candidate) => candidate.status === 'True');
    return status(phase, phase === 'Active' ? 'ok' : 'busy', stuck?.message);
  },
  capabilities: {},
  template: `apiVersion: v1
kind: Namespace
metadata:
  name: demo
`,
});
