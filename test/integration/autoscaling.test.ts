import { afterAll, beforeAll, expect, it } from 'vitest';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { busybox, ensureBusybox } from '../support/docker';

let directory: string;
let app: RunningApp;
let api: ApiClient;
beforeAll(async () => {
  await ensureBusybox();
  directory = await mkdtemp(join(tmpdir(), 'gantry-autoscaling-'));
  app = await startApp({
    dataDirectory: directory,
    args: ['--no-ui', '--runtime', 'docker', '--hpa-sync-period', '1s'],
  });
  api = await apiClient(app.kubeconfig);
}, 60_000);
afterAll(async () => {
  api?.close();
  await app?.stop();
  await deleteCluster(directory);
}, 60_000);

const base = '/apis/apps/v1/namespaces/default/deployments';
const autoscalers = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';

it('gives work that burns CPU more pods, and tells what they use', { timeout: 120_000 }, async () => {
  const labels = { app: 'burn' };
  await api.call('POST', base, {
    metadata: { name: 'burn' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'burn',
              image: busybox,
              command: ['sh', '-c', 'while true; do :; done'],
              resources: { requests: { cpu: '50m' }, limits: { cpu: '200m' } },
            },
          ],
        },
      },
    },
  });
  const target = { type: 'Utilization', averageUtilization: 50 };
  const created = await api.call('POST', autoscalers, {
    metadata: { name: 'burn' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'burn' },
      maxReplicas: 2,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
  });
  expect(created.status).toBe(201);
  await expect
    .poll(async () => (await api.call('GET', `${base}/burn`)).body.spec.replicas, { timeout: 90_000, interval: 500 })
    .toBe(2);
  const { status } = (await api.call('GET', `${autoscalers}/burn`)).body;
  expect(status).toMatchObject({ desiredReplicas: 2 });
  expect(status.lastScaleTime).toBeDefined();
  const table = await api.call('GET', `${autoscalers}/burn`, undefined, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  expect(table.body.rows[0].cells[2]).toMatch(/^cpu: \d{2,}%\/50%$/);
  const events = async (): Promise<string[]> =>
    (await api.call('GET', '/api/v1/namespaces/default/events')).body.items.map(
      ({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`,
    );
  await expect
    .poll(events)
    .toContain('SuccessfulRescale: New size: 2; reason: cpu resource utilization (percentage of request) above target');

  const nodes = (await api.call('GET', '/api/v1/nodes')).body;
  const node = nodes.items[0].metadata.name;
  const figures = await api.call('GET', `/api/v1/nodes/${node}/proxy/metrics/resource`);
  const used = /container_cpu_usage_seconds_total\{container="burn",namespace="default",pod="burn-[^"]+"\} (\S+)/.exec(
    figures.text,
  );
  expect(Number(used?.[1])).toBeGreaterThan(0.5);
  expect((await api.call('GET', '/metrics')).text).toMatch(
    /scheduler_schedule_attempts_total\{profile="default-scheduler",result="scheduled"\} [1-9]/,
  );
});
