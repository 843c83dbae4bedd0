import type { KubeObject } from '../k8s';
import { condition, status } from './helpers';
import { defineKindView } from './types';

export const customResourceDefinitions = defineKindView<KubeObject>({
  id: 'customresourcedefinitions',
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
  section: 'custom',
  order: 10,
  icon: 'Boxes',
  columns: [
    { id: 'kind', renderer: 'text', width: 180, value: (object) => object.spec?.names?.kind ?? null },
    { id: 'group', renderer: 'mono', width: 240, value: (object) => object.spec?.group ?? null },
    {
      id: 'versions',
      renderer: 'list',
      width: 150,
      value: (object) => (object.spec?.versions ?? []).map(({ name }: { name: string }) => name),
    },
    { id: 'scope', renderer: 'text', width: 120, value: (object) => object.spec?.scope ?? null },
  ],
  status(object) {
    if (condition(object, 'Terminating')?.status === 'True') return status('Terminating', 'off');
    const established = condition(object, 'Established');
    if (established?.status === 'True') return status('Established', 'ok');
    return status('Not established', 'warn', condition(object, 'NamesAccepted')?.message);
  },
  capabilities: {},
});
