import type { StatefulSet } from '../k8s';
import { formatSelector } from '../selectors';
import { imagesOf, status } from './helpers';
import { defineKindView } from './types';

export const statefulSets = defineKindView<StatefulSet>({
  id: 'statefulsets',
  group: 'apps',
  version: 'v1',
  plural: 'statefulsets',
  kind: 'StatefulSet',
  namespaced: true,
  section: 'workloads',
  order: 22,
  icon: 'Database',
  columns: [
    {
      id: 'readyOf',
      renderer: 'text',
      width: 80,
      align: 'end',
      value: (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 1}`,
    },
    { id: 'service', renderer: 'text', width: 160, value: (object) => object.spec?.serviceName ?? null },
    { id: 'images', renderer: 'list', width: 240, value: (object) => imagesOf(object.spec?.template?.spec) },
    {
      id: 'claims',
      renderer: 'list',
      width: 160,
      wide: true,
      value: (object) => (object.spec?.volumeClaimTemplates ?? []).map((claim) => claim.metadata?.name ?? ''),
    },
  ],
  status(object) {
    const desired = object.spec?.replicas ?? 1;
    const { readyReplicas: ready = 0, replicas: all = 0, updatedReplicas: updated = 0 } = object.status ?? {};
    if (desired === 0 && all === 0) return status('Scaled to 0', 'off');
    const settled = (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);
    const rolled = updated >= desired || object.spec?.updateStrategy?.type === 'OnDelete';
    return settled && ready >= desired && rolled
      ? status('Ready', 'ok')
      : status('Progressing', 'busy', `${ready} of ${desired} pods ready, ${updated} updated`);
  },
  search: (object) => imagesOf(object.spec?.template?.spec).join(' '),
  facts: (object) => ({
    replicas: object.spec?.replicas ?? 1,
    readyReplicas: object.status?.readyReplicas ?? 0,
  }),
  podSelector: (object) => (object.spec?.selector ? formatSelector(object.spec.selector) : undefined),
  capabilities: { scale: true, rollout: true, logs: true },
  template: `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  replicas: 1
  selector:
    matchLabels:
      app: db
  template:
    metadata:
      labels:
        app: db
    spec:
      containers:
        - name: db
          image: postgres:17-alpine
          ports:
            - containerPort: 5432
          volumeMounts:
            - name: data
              mountPath: /var/lib/postgresql/data
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests:
            storage: 1Gi
`,
});
