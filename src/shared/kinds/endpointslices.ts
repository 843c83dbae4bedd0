import type { EndpointSlice } from '../k8s';
import { defineKindView } from './types';

export const endpointSlices = defineKindView<EndpointSlice>({
  id: 'endpointslices',
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  kind: 'EndpointSlice',
  namespaced: true,
  section: 'network',
  order: 30,
  icon: 'Network',
  columns: [
    {
      id: 'service',
      renderer: 'text',
      width: 180,
      value: (object) => object.metadata.labels?.['kubernetes.io/service-name'] ?? null,
    },
    { id: 'addressType', renderer: 'text', width: 100, value: (object) => object.addressType },
    {
      id: 'ports',
      renderer: 'list',
      width: 160,
      value: (object) => (object.ports ?? []).map((port) => `${port.port ?? '*'}/${port.protocol ?? 'TCP'}`),
    },
    {
      id: 'addresses',
      renderer: 'list',
      width: 300,
      value: (object) => (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses),
    },
    {
      id: 'readyEndpoints',
      renderer: 'text',
      width: 90,
      align: 'end',
      value: (object) => {
        const all = object.endpoints ?? [];
        return `${all.filter((endpoint) => endpoint.conditions?.ready !== false).length}/${all.length}`;
      },
    },
  ],
  search: (object) => (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses).join(' '),
  capabilities: {},
});
