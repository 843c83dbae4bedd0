import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { busybox, containersOf, ensureBusybox } from '../support/docker';
import { seededRandom } from '../support/random';

/** The whole app is killed again and again while it is at work; what it was told must come true all the same, once. */
const kills = 30;
const seed = Number(process.env.GANTRY_TEST_SEED ?? 7);
const names = ['red', 'green', 'blue'];
const deployments = '/apis/apps/v1/namespaces/default/deployments';

let app: RunningApp | undefined;
let directory: string | undefined;
beforeAll(() => ensureBusybox());
afterAll(async () => {
  await app?.kill();
  if (directory) await deleteCluster(directory);
});

const deployment = (name: string, replicas: number, version: string) => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'main',
            image: busybox,
            command: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'],
            env: [{ name: 'VERSION', value: version }],
          },
        ],
      },
    },
  },
});

interface Wish {
  replicas: number;
  version: string;
}

/** What was asked for and acknowledged. */
const wishes = new Map<string, Wish>();
/** What was on its way when the app was killed: it either happened or did not. */
const unsure = new Map<string, Wish | undefined>();

/** Finds each deployment as it was last asked for, and settles what was unsure. */
async function compareWishes(api: ApiClient, when: string): Promise<void> {
  for (const name of names) {
    const { status, body } = await api.call('GET', `${deployments}/${name}`);
    const found: Wish | undefined =
      status === 200 && !body.metadata.deletionTimestamp
        ? { replicas: body.spec.replicas, version: body.spec.template.spec.containers[0].env[0].value }
        : undefined;
    const allowed = [wishes.get(name), ...(unsure.has(name) ? [unsure.get(name)] : [])];
    expect(allowed, `${when}, deployment ${name}`).toContainEqual(found);
    if (found) wishes.set(name, found);
    else wishes.delete(name);
  }
  unsure.clear();
}

/** One change at random; what it asks for is known for certain once it is acknowledged. */
async function change(api: ApiClient, random: () => number): Promise<void> {
  const name = names[Math.floor(random() * names.length)]!;
  const old = wishes.get(name);
  const patch = (spec: object) =>
    api.call('PATCH', `${deployments}/${name}`, { spec }, { 'content-type': 'application/merge-patch+json' });
  const what = random();
  const wish: Wish | undefined = !old
    ? { replicas: 1 + Math.floor(random() * 3), version: '1' }
    : what < 0.5
      ? { ...old, replicas: Math.floor(random() * 4) }
      : what < 0.75
        ? { ...old, version: String(Math.floor(random() * 1000)) }
        : undefined;
  unsure.set(name, wish);
  const asked = !old
    ? api.call('POST', deployments, deployment(name, wish!.replicas, wish!.version))
    : wish
      ? patch({ replicas: wish.replicas, template: deployment(name, wish.replicas, wish.version).spec.template })
      : api.call('DELETE', `${deployments}/${name}`, { propagationPolicy: 'Background' });
  const { status, text } = await asked;
  expect(status, text).toBeLessThan(300);
  unsure.delete(name);
  if (wish) wishes.set(name, wish);
  else wishes.delete(name);
}

it(`keeps its word through ${kills} kills (seed ${seed})`, { timeout: 240_000 }, async () => {
  const random = seededRandom(seed);
  for (let round = 0; round < kills; round++) {
    app = await startApp({ dataDirectory: directory, args: ['--runtime', 'docker', '--no-ui'] });
    directory = app.dataDirectory;
    const api = await apiClient(app.kubeconfig);
    await compareWishes(api, `round ${round}`);
    const running = app;
    const end = new Promise<void>((resolve) =>
      setTimeout(() => void running.kill().then(resolve), 50 + random() * 900),
    );
    try {
      for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
        await change(api, random);
        await new Promise((resolve) => setTimeout(resolve, random() * 200));
      }
    } catch (error) {
      // Killed in the middle of a request.
      if (error instanceof Error && !('code' in error) && !/hang up|aborted/.test(error.message)) throw error;
    }
    await end;
    api.close();
  }

  app = await startApp({ dataDirectory: directory, args: ['--runtime', 'docker', '--no-ui'] });
  const api = await apiClient(app.kubeconfig);
  try {
    await compareWishes(api, 'the end');
    await expect.poll(() => differences(api), { timeout: 90_000, interval: 500 }).toEqual([]);
    // It stays so.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await differences(api)).toEqual([]);
  } finally {
    api.close();
  }
});

/** Where the API and Docker are not what the deployments ask for. */
async function differences(api: ApiClient): Promise<string[]> {
  const { id } = JSON.parse(readFileSync(join(directory!, 'cluster.json'), 'utf8')) as { id: string };
  const pods = (await api.call('GET', '/api/v1/namespaces/default/pods')).body.items as any[];
  const sets = (await api.call('GET', '/apis/apps/v1/namespaces/default/replicasets')).body.items as any[];
  const containers = await containersOf(id, { 'gantry.dev/pod-namespace': 'default' });
  const found: string[] = [];
  for (const name of names) {
    const own = pods.filter((pod) => pod.metadata.labels.app === name);
    const ready = own.filter((pod) =>
      pod.status.conditions?.some((one: any) => one.type === 'Ready' && one.status === 'True'),
    );
    const wanted = wishes.get(name)?.replicas ?? 0;
    if (own.length !== wanted || ready.length !== wanted) {
      found.push(`${name}: ${own.length} pods, ${ready.length} ready, ${wanted} wanted`);
    }
    if (!wishes.has(name) && sets.some((set) => set.metadata.labels.app === name))
      found.push(`${name}: a ReplicaSet is left`);
  }
  const byPod = new Map<string, string[]>();
  for (const { Labels, State } of containers) {
    const uid = Labels['gantry.dev/pod-uid']!;
    const kind = Labels['gantry.dev/kind']!;
    if (!pods.some((pod) => pod.metadata.uid === uid)) found.push(`a ${State} ${kind} container of a pod that is gone`);
    if (State === 'running') byPod.set(uid, [...(byPod.get(uid) ?? []), kind].sort());
  }
  for (const pod of pods) {
    const kinds = String(byPod.get(pod.metadata.uid) ?? []);
    if (kinds !== 'app,sandbox') found.push(`${pod.metadata.name} runs as [${kinds}]`);
  }
  return found;
}
