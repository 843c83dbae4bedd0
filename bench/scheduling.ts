import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, startApp, type ApiClient } from '../test/support/app';
import { load, single, type Benchmark } from './figures';

const template = {
  metadata: { labels: { app: 'scale' } },
  spec: {
    containers: [
      { name: 'app', image: 'registry.example/app:1.0', resources: { requests: { cpu: '10m', memory: '16Mi' } } },
    ],
  },
};

const capacity = { cpu: '64', memory: '256Gi', pods: '500', 'ephemeral-storage': '100Gi' };

/** A node that is there for the scheduler only: nothing runs on it, so that what is timed is creating and binding. */
async function addNode(client: ApiClient, index: number): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: `bench-${index}` } };
  const created = await client.call('POST', '/api/v1/nodes', node);
  if (created.status !== 201) throw new Error(created.text);
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const ready = { type: 'Ready', status: 'True', reason: 'Bench', lastHeartbeatTime: now, lastTransitionTime: now };
  const status = { ...created.body, status: { capacity, allocatable: capacity, conditions: [ready] } };
  const reported = await client.call('PUT', `/api/v1/nodes/bench-${index}/status`, status);
  if (reported.status !== 200) throw new Error(reported.text);
}

/** Pods created and bound on 50 nodes, and one Deployment with 1,000 replicas. */
export const scheduling: Benchmark = {
  name: 'scheduling',
  async run(report) {
    const app = await startApp({
      args: ['--no-ui', '--runtime', 'docker', '--docker-host', 'unix:///nowhere/docker.sock'],
    });
    const client = await apiClient(app.kubeconfig, 64);
    for (let index = 0; index < 50; index++) await addNode(client, index);
    while ((await client.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200)
      await sleep(20);
    await sleep(1000);
    /** Resolves with the times (ms from now) at which `count` pods of the app existed and were bound. */
    const follow = async (label: string, count: number) => {
      const from = performance.now();
      const created = new Set<string>();
      const bound = new Set<string>();
      const times = { created: 0, bound: 0 };
      return new Promise<typeof times>((resolve, reject) => {
        client
          .watch(`/api/v1/namespaces/default/pods?watch=1&labelSelector=app%3D${label}`, (event) => {
            const uid = event.object.metadata?.uid;
            created.add(uid);
            if (event.object.spec?.nodeName) bound.add(uid);
            if (created.size >= count && !times.created) times.created = performance.now() - from;
            if (bound.size >= count && !times.bound) {
              times.bound = performance.now() - from;
              resolve(times);
            }
          })
          .catch(reject);
      });
    };
    try {
      const deployment = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'scale' },
        spec: { replicas: 1000, selector: { matchLabels: { app: 'scale' } }, template },
      };
      const done = follow('scale', 1000);
      const answer = await client.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
      if (answer.status !== 201) throw new Error(answer.text);
      const times = await done;
      report(single('deployment.1000-replicas.all-created', 'ms', times.created, 1000));
      report(single('deployment.1000-replicas.all-bound', 'ms', times.bound, 1000));

      const pods = follow('burst', 3500);
      await load(16, 3500, async (index) => {
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `burst-${index}`, labels: { app: 'burst' } },
          spec: template.spec,
        };
        const created = await client.call('POST', '/api/v1/namespaces/default/pods', body);
        if (created.status !== 201) throw new Error(created.text);
      });
      const burst = await pods;
      report(single('schedule.3500-pods-on-50-nodes.rate', 'pods/s', (3500 / burst.bound) * 1000, 3500));
    } finally {
      client.close();
      await app.stop();
      await rm(app.dataDirectory, { recursive: true, force: true });
    }
  },
};
