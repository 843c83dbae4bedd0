import type { EndpointSlice } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, firstThree, text } from '../printing';
import { setDefault } from '../strategy';

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  defaults(object) {
    for (const port of object.ports ?? []) {
      setDefault(port, 'name', '');
      setDefault(port, 'protocol', 'TCP');
    }
  },
  prepareForCreate(object) {
    object.metadata.generation = 1;
  },
  columns: [
    text('AddressType', 'IPv4, IPv6 or FQDN', (object) => object.addressType ?? ''),
    text('Ports', 'The ports of every endpoint', (object) =>
      firstThree(
        (object.ports ?? []).map((port) => String(port.port ?? (port.name || '*'))),
        '<unset>',
      ),
    ),
    text('Endpoints', 'The addresses', (object) =>
      firstThree(
        (object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []),
        '<unset>',
      ),
    ),
    ageColumn,
  ],
});
