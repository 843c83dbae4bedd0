import type { CronJob } from '../k8s';
import { imagesOf, status } from './helpers';
import { defineKindView } from './types';

export const cronJobs = defineKindView<CronJob>({
  id: 'cronjobs',
  group: 'batch',
  version: 'v1',
  plural: 'cronjobs',
  kind: 'CronJob',
  namespaced: true,
  section: 'workloads',
  order: 50,
  icon: 'CalendarClock',
  columns: [
    { id: 'schedule', renderer: 'mono', width: 140, value: (object) => object.spec?.schedule ?? null },
    { id: 'timeZone', renderer: 'text', width: 120, optional: true, value: (object) => object.spec?.timeZone ?? null },
    {
      id: 'active',
      renderer: 'number',
      width: 70,
      align: 'end',
      value: (object) => object.status?.active?.length ?? 0,
    },
    { id: 'lastSchedule', renderer: 'age', width: 120, value: (object) => object.status?.lastScheduleTime ?? null },
    { id: 'lastSuccess', renderer: 'age', width: 120, value: (object) => object.status?.lastSuccessfulTime ?? null },
    {
      id: 'images',
      renderer: 'list',
      width: 220,
      wide: true,
      value: (object) => imagesOf(object.spec?.jobTemplate?.spec?.template?.spec),
    },
  ],
  status: (object) => {
    if (object.spec?.suspend) return status('Suspended', 'off');
    return object.status?.active?.length ? status('Running', 'busy') : status('Scheduled', 'ok');
  },
  search: (object) => imagesOf(object.spec?.jobTemplate?.spec?.template?.spec).join(' '),
  facts: (object) => ({ suspended: object.spec?.suspend === true }),
  capabilities: { suspend: true, trigger: true },
  template: `apiVersion: batch/v1
kind: CronJob
metadata:
  name: hello
spec:
  schedule: "*/5 * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers:
            - name: hello
              image: busybox:1.37
              command: [date]
`,
});
