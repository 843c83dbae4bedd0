import type { Endpoints } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, firstThree, text } from '../printing';
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
