import type { EndpointSlice } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, firstThree, text } from '../printing';
import { differences } from '../validation/differences';
import { immutableMessage, invalid, invalidEach, oneOf, required } from '../validation/field';
import { ipAddress, portNumber } from '../validation/strings';
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
  prepareForUpdate(object, old) {
    const changed = differences([old.endpoints, old.ports], [object.endpoints, object.ports], '').length > 0;
    object.metadata.generation = (old.metadata.generation ?? 1) + (changed ? 1 : 0);
  },
  validate: validateSlice,
  validateUpdate: (object, old) =>
    object.addressType === old.addressType ? [] : [invalid('addressType', object.addressType, immutableMessage)],
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

function validateSlice(object: EndpointSlice): FieldError[] {
  const errors = oneOf('addressType', object.addressType, ['FQDN', 'IPv4', 'IPv6']);
  for (const [index, endpoint] of (object.endpoints ?? []).entries()) {
    const at = `endpoints[${index}].addresses`;
    if (!endpoint.addresses?.length) errors.push(required(at, 'must contain at least 1 address'));
    if (object.addressType === 'FQDN') continue;
    for (const [position, ip] of (endpoint.addresses ?? []).entries()) {
      errors.push(...invalidEach(`${at}[${position}]`, ip, ipAddress(ip)));
    }
  }
  for (const [index, port] of (object.ports ?? []).entries()) {
    if (typeof port.port === 'number')
      errors.push(...invalidEach(`ports[${index}].port`, port.port, portNumber(port.port)));
    errors.push(...oneOf(`ports[${index}].protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
  }
  return errors;
}
