import type { Endpoints } from '../k8s';
import { defineKindView } from './types';

/** Every ready address with every port, as `10.0.0.3:80`. */
function addresses(object: Endpoints): string[] {
  return (object.subsets ?? []).flatMap((subset) =>
    (subset.addresses ?? []).flatMap((address) =>
      subset.ports?.length ? subset.ports.map((port) => `${address.ip}:${port.port}`) : [address.ip],
    ),
  );
}

export const endpoints = defineKindView<Endpoints>({
  id: 'endpoints',
  group: '',
  version: 'v1',
  plural: 'endpoints',
  kind: 'Endpoints',
  namespaced: true,
  section: 'network',
  order: 20,
  icon: 'Cable',
  columns: [
    { id: 'addresses', renderer: 'list', width: 420, value: addresses },
    {
      id: 'notReady',
      renderer: 'number',
      width: 90,
      align: 'end',
      value: (object) =>
        (object.subsets ?? []).reduce((sum, subset) => sum + (subset.notReadyAddresses?.length ?? 0), 0),
    },
  ],
  search: (object) => addresses(object).join(' '),
  capabilities: {},
});
