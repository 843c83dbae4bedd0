import { cli, type Chapter } from '../entry';

const hpa = '/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers';
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

/** Autoscaling: flags with their values behind blanks, one storage seen in two versions. */
export const autoscalingChapter: Chapter = {
  name: 'autoscaling',
  entries: [
    cli('CLI-40', 'kubectl create deployment busy --image=gantry-test/web:v1'),
    cli('CLI-25', 'kubectl autoscale deployment busy --cpu-percent 60 --min 2 --max 3', {
      stdout: 'horizontalpodautoscaler.autoscaling/busy autoscaled\n',
      server: {
        [`${hpa}/busy`]: {
          spec: {
            minReplicas: 2,
            maxReplicas: 3,
            scaleTargetRef: { kind: 'Deployment', name: 'busy' },
            metrics: [cpu(60)],
          },
        },
        '/apis/autoscaling/v1/namespaces/{ns}/horizontalpodautoscalers/busy': {
          spec: { targetCPUUtilizationPercentage: 60 },
        },
        '/apis/apps/v1/namespaces/{ns}/deployments/busy': { spec: { replicas: 2 } },
      },
    }),
    cli('CLI-25', 'kubectl get hpa', {
      stdout: [
        /^NAME +REFERENCE +TARGETS +MINPODS +MAXPODS +REPLICAS +AGE\n/,
        /^busy +Deployment\/busy +.*\/60% +2 +3 /m,
      ],
    }),
    cli('CLI-25', 'kubectl describe hpa busy', {
      stdout: [/^Min replicas: +2$/m, /60%/],
    }),
    cli('CLI-25', 'kubectl autoscale deployment nobody --cpu-percent 60 --min 1 --max 3', {
      code: 1,
      stderr: /deployments.apps "nobody" not found/,
    }),
    cli('CLI-25', 'kubectl autoscale deployment busy --cpu-percent=60 --min=4 --max=3', { code: 1 }),
    cli('CLI-89', 'kubectl delete hpa/busy deployment/busy', { server: { [`${hpa}/busy`]: 'gone' } }),
  ],
};
