import type { ControllerRevision } from '../k8s';
import { controlledBy } from './helpers';
import { defineKindView } from './types';

export const controllerRevisions = defineKindView<ControllerRevision>({
  id: 'controllerrevisions',
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
  namespaced: true,
  section: 'workloads',
  order: 90,
  icon: 'History',
  columns: [
    { id: 'controlledBy', renderer: 'text', width: 260, value: controlledBy },
    { id: 'revision', renderer: 'number', width: 90, align: 'end', value: (object) => object.revision ?? null },
  ],
  capabilities: {},
});
