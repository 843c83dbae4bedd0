import type { Job } from '../k8s';
import { formatSelector } from '../selectors';
import { condition, controlledBy, imagesOf, status } from './helpers';
import { defineKindView } from './types';

export const jobs = defineKindView<Job>({
  id: 'jobs',
  group: 'batch',
  version: 'v1',
  plural: 'jobs',
  kind: 'Job',
  namespaced: true,
  section: 'workloads',
  order: 40,
  icon: 'ListChecks',
  columns: [
    {
      id: 'completions',
      renderer: 'text',
      width: 100,
      align: 'end',
      value: (object) => `${object.status?.succeeded ?? 0}/${object.spec?.completions ?? 1}`,
    },
    { id: 'active', renderer: 'number', width: 70, align: 'end', value: (object) => object.status?.active ?? 0 },
    { id: 'failed', renderer: 'number', width: 70, align: 'end', value: (object) => object.status?.failed ?? 0 },
    {
      id: 'duration',
      renderer: 'duration',
      width: 84,
      align: 'end',
      value: ({ status: { startTime, completionTime, conditions } = {} }) => {
        if (!startTime) return null;
        const failed = conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True');
        const end = completionTime ?? failed?.lastTransitionTime;
        return end ? Date.parse(end) - Date.parse(startTime) : startTime;
      },
    },
    { id: 'started', renderer: 'age', width: 100, wide: true, value: (object) => object.status?.startTime ?? null },
    {
      id: 'completed',
      renderer: 'age',
      width: 110,
      wide: true,
      value: (object) => object.status?.completionTime ?? null,
    },
    { id: 'controlledBy', renderer: 'text', width: 180, wide: true, value: controlledBy },
    {
      id: 'images',
      renderer: 'list',
      width: 220,
      wide: true,
      value: (object) => imagesOf(object.spec?.template?.spec),
    },
  ],
  defaultSort: { column: 'age' },
  status(object) {
    const failure = condition(object, 'Failed');
    if (condition(object, 'Complete')?.status === 'True') return status('Complete', 'ok');
    if (failure?.status === 'True') return status('Failed', 'error', failure.message ?? failure.reason);
    if (object.spec?.suspend) return status('Suspended', 'off');
    return status('Running', 'busy', `${object.status?.active ?? 0} pods active`);
  },
  search: (object) => imagesOf(object.spec?.template?.spec).join(' '),
  podSelector: (object) => (object.spec?.selector ? formatSelector(object.spec.selector) : undefined),
  facts: (object) => ({
    suspended: object.spec?.suspend === true,
    finished: ['Complete', 'Failed'].some((type) => condition(object, type)?.status === 'True'),
  }),
  capabilities: { logs: true, suspend: true },
  template: `apiVersion: batch/v1
kind: Job
metadata:
  name: hello
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: hello
          image: busybox:1.37
          command: [echo, hello]
`,
});
