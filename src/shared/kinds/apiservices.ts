import type { APIService } from '../k8s';
import { condition, status } from './helpers';
import { defineKindView } from './types';

export const apiServices = defineKindView<APIService>({
  id: 'apiservices',
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
  section: 'custom',
  order: 20,
  icon: 'Puzzle',
  columns: [
    {
      id: 'service',
      renderer: 'text',
      width: 240,
      value: ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
    },
    { id: 'group', renderer: 'mono', width: 240, value: (object) => object.spec?.group || null },
    { id: 'version', renderer: 'mono', width: 120, value: (object) => object.spec?.version ?? null },
  ],
  status(object) {
    const available = condition(object, 'Available');
    if (available?.status === 'True') return status('Available', 'ok');
    return status(available?.reason ?? 'Unknown', available?.status === 'False' ? 'error' : 'warn', available?.message);
  },
  capabilities: {},
});
