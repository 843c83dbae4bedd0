import { rm } from 'node:fs/promises';
import { apiClient, startApp, type ApiClient } from '../test/support/app';
import { distribution, load, single, type Benchmark } from './figures';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { key: 'value', text: 'x'.repeat(200) },
});

async function expect(
  client: ApiClient,
  method: string,
  path: string,
  status: number,
  body?: unknown,
  headers?: Record<string, string>,
) {
  const answer = await client.call(method, path, body, headers);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return answer;
}

/** A pod that is 1.8 kB as it is listed, with all that the server fills in. */
const pod = (index: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `bench-${String(index).padStart(5, '0')}`, labels: { app: 'bench' } },
  spec: {
    schedulerName: 'nobody',
    containers: [{ name: 'app', image: 'registry.example/app:1.0', resources: { requests: { cpu: '10m' } } }],
  },
});

/** From a patch sent to its event at one and at fifty watchers. */
async function watchLatency(client: ApiClient, report: Parameters<Benchmark['run']>[0]) {
  await expect(client, 'POST', configMaps, 201, configMap('watched'));
  const watchers = 50;
  const seen = new Map<string, { first?: number; last?: number; count: number }>();
  const closers: (() => void)[] = [];
  for (let index = 0; index < watchers; index++) {
    closers.push(
      await client.watch(`${configMaps}?watch=1&fieldSelector=metadata.name%3Dwatched`, (event) => {
        const round = event.object?.data?.round;
        if (event.type !== 'MODIFIED' || round === undefined) return;
        const entry = seen.get(round) ?? { count: 0 };
        entry.count++;
        entry.first ??= performance.now();
        entry.last = performance.now();
        seen.set(round, entry);
      }),
    );
  }
  const first: number[] = [];
  const last: number[] = [];
  for (let index = 0; index < 300; index++) {
    const from = performance.now();
    await expect(
      client,
      'PATCH',
      `${configMaps}/watched`,
      200,
      { data: { round: String(index) } },
      { 'content-type': 'application/merge-patch+json' },
    );
    while ((seen.get(String(index))?.count ?? 0) < watchers) await new Promise((resolve) => setImmediate(resolve));
    const entry = seen.get(String(index))!;
    first.push(entry.first! - from);
    last.push(entry.last! - from);
  }
  for (const close of closers) close();
  report(distribution('watch.first-of-50', first));
  report(distribution('watch.last-of-50', last));
}

/** Create, get, list and watch over HTTPS from another process. */
export const api: Benchmark = {
  name: 'api',
  async run(report) {
    const app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '1'] });
    const client = await apiClient(app.kubeconfig, 128);
    try {
      await load(
        4,
        400,
        async (index) => void (await expect(client, 'POST', configMaps, 201, configMap(`warm-${index}`))),
      );

      const one = await load(
        1,
        2000,
        async (index) => void (await expect(client, 'POST', configMaps, 201, configMap(`one-${index}`))),
      );
      report(distribution('create.configmap.1-client', one.samples));
      report(single('create.configmap.1-client.rate', '1/s', one.perSecond, 2000));

      const many = await load(
        16,
        6000,
        async (index) => void (await expect(client, 'POST', configMaps, 201, configMap(`many-${index}`))),
      );
      report(distribution('create.configmap.16-clients', many.samples));
      report(single('create.configmap.16-clients.rate', '1/s', many.perSecond, 6000));

      const gets = await load(
        16,
        10_000,
        async (index) => void (await expect(client, 'GET', `${configMaps}/many-${index % 6000}`, 200)),
      );
      report(distribution('get.configmap.16-clients', gets.samples));
      report(single('get.configmap.16-clients.rate', '1/s', gets.perSecond, 10_000));

      await load(
        16,
        5000,
        async (index) => void (await expect(client, 'POST', '/api/v1/namespaces/default/pods', 201, pod(index))),
      );
      let bytes = 0;
      const lists = await load(1, 15, async () => {
        bytes = (await expect(client, 'GET', '/api/v1/pods', 200)).text.length;
      });
      report(distribution('list.5000-pods.json', lists.samples));
      report(single('list.5000-pods.json.size', 'bytes', bytes));
      const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
      const tables = await load(1, 10, async () => {
        let token = '';
        do {
          const page = await expect(
            client,
            'GET',
            `/api/v1/pods?limit=500&continue=${encodeURIComponent(token)}`,
            200,
            undefined,
            table,
          );
          token = page.body.metadata.continue ?? '';
        } while (token);
      });
      report(distribution('list.5000-pods.table-pages-of-500', tables.samples));

      await watchLatency(client, report);
    } finally {
      client.close();
      await app.stop();
      await rm(app.dataDirectory, { recursive: true, force: true });
    }
  },
};
