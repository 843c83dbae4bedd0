import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, startApp } from '../test/support/app';
import { load, single, type Benchmark } from './figures';

const template = {
  metadata: { labels: { app: 'scale' } },
  spec: {
    containers: [
      { name: 'app', image: 'registry.example/app:1.0', resources: { requests: { cpu: '10m', memory: '16Mi' } } },
    ],
  },
};

/** Pods created and bound on 50 simulated nodes, and one Deployment with 1,000 replicas. */
export const scheduling: Benchmark = {
  name: 'scheduling',
  async run(report) {
    const app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '50'] });
    const client = await apiClient(app.kubeconfig, 64);
    const nodes = async () => (await client.call('GET', '/api/v1/nodes')).body.items.length as number;
    while ((await nodes()) < 50) await sleep(50);
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
