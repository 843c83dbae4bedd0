import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, startApp, type ApiClient } from '../test/support/app';
import { distribution, single, type Benchmark, type Figure } from './figures';

/** Pods of one Deployment; what is big comes as many of them, as it does in real clusters. */
const perDeployment = 500;
/** Until garbage of the rush is collected and what is written late is written. */
const settleMs = 20_000;
const longestRushMs = 20 * 60_000;

interface Size {
  name: string;
  nodes: number;
  pods: number;
}

const sizes: Size[] = [
  { name: '5000-pods-on-50-nodes', nodes: 50, pods: 5_000 },
  { name: '30000-pods-on-1000-nodes', nodes: 1_000, pods: 30_000 },
];

const deployment = (index: number, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `scale-${index}` },
  spec: {
    replicas,
    selector: { matchLabels: { app: `scale-${index}` } },
    template: {
      metadata: { labels: { app: `scale-${index}` } },
      spec: {
        containers: [
          { name: 'app', image: 'registry.example/app:1.0', resources: { requests: { cpu: '10m', memory: '16Mi' } } },
        ],
      },
    },
  },
});

/** What a process has in memory, in MiB. Linux only, as the budgets' machine. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}

async function get(client: ApiClient, path: string, headers?: Record<string, string>) {
  const answer = await client.call('GET', path, undefined, headers);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer;
}

/** How many pods the Deployments count as ready. */
async function readyPods(client: ApiClient): Promise<number> {
  const { body } = await get(client, '/apis/apps/v1/namespaces/default/deployments');
  return (body.items as any[]).reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0);
}

async function timed(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let n = 0; n < count; n++) {
    const from = performance.now();
    await work();
    samples.push(performance.now() - from);
  }
  return samples;
}

async function measure({ name, nodes, pods }: Size, report: (figure: Figure) => void): Promise<void> {
  const app = await startApp({ args: ['--no-ui', '--runtime', 'simulated', '--simulated-nodes', String(nodes)] });
  const client = await apiClient(app.kubeconfig, 8);
  try {
    while ((await get(client, '/api/v1/nodes?limit=5000')).body.items.length < nodes) await sleep(500);
    while ((await client.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200)
      await sleep(50);
    const from = performance.now();
    for (let left = pods, index = 0; left > 0; left -= perDeployment, index++) {
      const body = deployment(index, Math.min(left, perDeployment));
      const { status, text } = await client.call('POST', '/apis/apps/v1/namespaces/default/deployments', body);
      if (status !== 201) throw new Error(text);
    }
    while ((await readyPods(client)) < pods) {
      if (performance.now() - from > longestRushMs)
        throw new Error(`${await readyPods(client)} of ${pods} pods are ready`);
      await sleep(500);
    }
    report(single(`scale.${name}.all-ready`, 's', (performance.now() - from) / 1000, pods));
    await sleep(settleMs);
    report(single(`scale.${name}.memory`, 'MiB', await memoryOf(app.pid)));
    const all = () => get(client, '/api/v1/namespaces/default/pods');
    const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    report(
      distribution(
        `scale.${name}.list-page-of-500`,
        await timed(100, () => get(client, '/api/v1/pods?limit=500', table)),
      ),
    );
    report(distribution(`scale.${name}.list-all`, await timed(20, all)));
    report(single(`scale.${name}.memory-after-lists`, 'MiB', await memoryOf(app.pid)));
  } finally {
    client.close();
    await app.stop();
    await rm(app.dataDirectory, { recursive: true, force: true });
  }
}

/** What a big cluster costs when it is at rest: memory, and how long lists take. All of it is simulated. */
export const scale: Benchmark = {
  name: 'scale',
  async run(report) {
    for (const size of sizes) await measure(size, report);
  },
};
