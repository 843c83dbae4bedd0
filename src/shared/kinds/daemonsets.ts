import type { DaemonSet } from '../k8s';
import { formatSelector } from '../selectors';
import { imagesOf, status } from './helpers';
import { defineKindView } from './types';

export const daemonSets = defineKindView<DaemonSet>({
  id: 'daemonsets',
  group: 'apps',
  version: 'v1',
  plural: 'daemonsets',
  kind: 'DaemonSet',
  namespaced: true,
  section: 'workloads',
  order: 24,
  icon: 'ServerCog',
  columns: [
    {
      id: 'desired',
      renderer: 'number',
      width: 80,
      align: 'end',
      value: (object) => object.status?.desiredNumberScheduled ?? 0,
    },
    {
      id: 'current',
      renderer: 'number',
      width: 80,
      align: 'end',
      value: (object) => object.status?.currentNumberScheduled ?? 0,
    },
    { id: 'ready', renderer: 'number', width: 70, align: 'end', value: (object) => object.status?.numberReady ?? 0 },
    {
      id: 'upToDate',
      renderer: 'number',
      width: 100,
      align: 'end',
      value: (object) => object.status?.updatedNumberScheduled ?? 0,
    },
    {
      id: 'available',
      renderer: 'number',
      width: 90,
      align: 'end',
      value: (object) => object.status?.numberAvailable ?? 0,
    },
    {
      id: 'nodeSelector',
      renderer: 'labels',
      width: 180,
      wide: true,
      value: (object) => object.spec?.template?.spec?.nodeSelector ?? {},
    },
    {
      id: 'images',
      renderer: 'list',
      width: 220,
      wide: true,
      value: (object) => imagesOf(object.spec?.template?.spec),
    },
  ],
  status(object) {
    const {
      desiredNumberScheduled: desired = 0,
      numberReady: ready = 0,
      updatedNumberScheduled: updated = 0,
    } = object.status ?? {};
    const settled = (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0);
    if (settled && desired === 0) return status('No nodes', 'off');
    const rolled = updated >= desired || object.spec?.updateStrategy?.type === 'OnDelete';
    return settled && ready >= desired && rolled
      ? status('Ready', 'ok')
      : status('Progressing', 'busy', `${ready} of ${desired} pods ready, ${updated} updated`);
  },
  search: (object) => imagesOf(object.spec?.template?.spec).join(' '),
  podSelector: (object) => (object.spec?.selector ? formatSelector(object.spec.selector) : undefined),
  capabilities: { rollout: true, logs: true },
  template: `apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector:
    matchLabels:
      app: agent
  template:
    metadata:
      labels:
        app: agent
    spec:
      containers:
        - name: agent
          image: busybox:1.37
          command: [sleep, infinity]
`,
});
