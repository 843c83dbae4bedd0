import type { Endpoints } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, firstThree, text } from '../printing';
import { invalidEach, oneOf, required } from '../validation/field';
import { ipAddress, portNumber } from '../validation/strings';
import { setDefault } from '../strategy';

export const endpoints = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  defaults(object) {
    for (const subset of object.subsets ?? [])
      for (const port of subset.ports ?? []) setDefault(port, 'protocol', 'TCP');
  },
  validate: (object) =>
    (object.subsets ?? []).flatMap((subset, index) => {
      const at = `subsets[${index}]`;
      const all = [...(subset.addresses ?? []), ...(subset.notReadyAddresses ?? [])];
      const errors = all.length === 0 ? [required(at, 'must specify `addresses` or `notReadyAddresses`')] : [];
      for (const list of ['addresses', 'notReadyAddresses'] as const) {
        for (const [position, { ip }] of (subset[list] ?? []).entries()) {
          errors.push(...invalidEach(`${at}.${list}[${position}].ip`, ip, ipAddress(ip)));
        }
      }
      for (const [position, port] of (subset.ports ?? []).entries()) {
        const here = `${at}.ports[${position}]`;
        if (!port.name && subset.ports!.length > 1) errors.push(required(`${here}.name`));
        errors.push(...invalidEach(`${here}.port`, port.port, portNumber(port.port)));
        errors.push(...oneOf(`${here}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
      }
      return errors;
    }),
  columns: [text('Endpoints', 'The addresses behind the service', addresses), ageColumn],
});

function addresses(object: Endpoints): string {
  const hostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);
  const all = (object.subsets ?? []).flatMap((subset) =>
    subset.ports?.length
      ? subset.ports.flatMap((port) => (subset.addresses ?? []).map(({ ip }) => hostPort(ip, port.port)))
      : (subset.addresses ?? []).map(({ ip }) => ip),
  );
  return firstThree(all, '<none>');
}
