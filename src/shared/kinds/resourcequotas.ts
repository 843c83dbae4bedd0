import type { ResourceQuota } from '../k8s';
import { readableQuantity } from '../readable-quantity';
import { defineKindView } from './types';

/** `requests.cpu 1/4` per resource: used of what is allowed. */
const usage = (object: ResourceQuota, limits: boolean): string[] =>
  Object.entries(object.status?.hard ?? object.spec?.hard ?? {})
    .filter(([name]) => name.startsWith('limits.') === limits)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, hard]) =>
        `${name} ${readableQuantity(name, object.status?.used?.[name] ?? '0')}/${readableQuantity(name, hard)}`,
    );

export const resourceQuotas = defineKindView<ResourceQuota>({
  id: 'resourcequotas',
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
  section: 'config',
  order: 30,
  icon: 'Gauge',
  columns: [
    { id: 'requests', renderer: 'list', width: 340, value: (object) => usage(object, false) },
    { id: 'limits', renderer: 'list', width: 260, value: (object) => usage(object, true) },
  ],
  capabilities: {},
  template: `apiVersion: v1
kind: ResourceQuota
metadata:
  name: budget
spec:
  hard:
    pods: "20"
    requests.cpu: "4"
    requests.memory: 8Gi
`,
});
