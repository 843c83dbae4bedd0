import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Deployment, KubeObject, Pod } from '@shared/k8s';
import { seededRandom } from '../../../test/support/random';
import { startSimulation, template, type Simulation } from '../../../test/support/simulation';
import { ApiError } from './api/errors';
import { resources } from './client/resources';
import { isFinished, isReady } from './controllers/pods';

const nodes = ['node-a', 'node-b', 'node-c'];
// They take a few seconds, and longer on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cluster: Simulation;
afterEach(() => cluster.stop());

const workload = (name: string, spec: object) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, template: template(name), ...spec },
});

async function createWorkloads(): Promise<void> {
  await cluster.create(resources.deployments, workload('web', { replicas: 5 }));
  await cluster.create(resources.statefulSets, workload('db', { replicas: 3, serviceName: 'db' }));
  await cluster.create(resources.daemonSets, workload('agent', {}));
  await cluster.create(resources.podDisruptionBudgets, workload('web', { maxUnavailable: 1 }));
  const flaky = template(
    'work',
    'work:1',
    { runMs: 20_000, exitCode: 1, failureRate: 0.2 },
    { restartPolicy: 'Never' },
  );
  await cluster.create(resources.jobs, {
    metadata: { name: 'work' },
    spec: { completions: 10, parallelism: 3, backoffLimit: 1000, template: flaky },
  });
}

/** What users, operators and bad luck do to a cluster. @returns what undoes the last of it */
function deedsOf(random: () => number) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const below = (limit: number) => Math.floor(random() * limit);
  const { client } = cluster;
  const somePod = async (): Promise<Pod | undefined> => pick(await cluster.pods());
  let hung: string | undefined;
  const hang = async () => {
    if (hung) await cluster.join(hung);
    hung = hung ? undefined : pick(nodes);
    if (hung) await cluster.silence(hung);
  };
  const evict = async ({ metadata: { name, namespace } }: Pod) => {
    const eviction: KubeObject = { metadata: { name, namespace } };
    await client.createSubresource(resources.pods, namespace, name, 'eviction', eviction).catch((error: ApiError) => {
      if (error.code !== 429) throw error;
    });
  };
  const onPod = (act: (pod: Pod) => Promise<unknown>) => async () => {
    const pod = await somePod();
    if (pod) await act(pod);
  };
  const deeds = [
    onPod(({ metadata: { namespace, name } }) => client.delete(resources.pods, namespace, name)),
    onPod((pod) => cluster.kill(pod)),
    onPod(evict),
    () => client.patch(resources.deployments, 'default', 'web', { spec: { replicas: below(9) } }),
    () => client.patch(resources.statefulSets, 'default', 'db', { spec: { replicas: below(5) } }),
    () =>
      cluster.edit<Deployment>(resources.deployments, 'web', (draft) => {
        draft.spec!.template.spec!.containers[0]!.image = `app:${below(9)}`;
      }),
    hang,
    () => cluster.pass(120),
  ];
  return {
    next: () => pick(deeds)(),
    async calm() {
      if (hung) await cluster.join(hung);
      await client.patch(resources.deployments, 'default', 'web', { spec: { replicas: 4 } });
      await client.patch(resources.statefulSets, 'default', 'db', { spec: { replicas: 3 } });
    },
  };
}

async function state() {
  const pods = await cluster.list<Pod>(resources.pods);
  const count = (app: string) =>
    pods.filter((pod) => pod.metadata.labels!.app === app && isReady(pod) && !isFinished(pod)).length;
  const { status } = await cluster.get(resources.jobs, 'work');
  const ended = pods.filter((pod) => pod.metadata.labels!.app === 'work' && pod.status?.phase === 'Succeeded').length;
  const going = pods.filter(({ metadata }) => metadata.deletionTimestamp).length;
  return {
    web: count('web'),
    db: count('db'),
    agent: count('agent'),
    work: status?.succeeded,
    complete: Boolean(status?.completionTime),
    most: ended <= 10,
    going,
  };
}
const wanted = { web: 4, db: 3, agent: 3, work: 10, complete: true, most: true, going: 0 };

async function endsAsAskedFor(): Promise<void> {
  await cluster.until(state, (now) => JSON.stringify(now) === JSON.stringify(wanted), 3600);
  await cluster.pass(60);
  expect(await state()).toEqual(wanted);
  expect(await cluster.orphans()).toBe(0);
}

describe('a cluster', () => {
  it.each([1, 2])('ends as it was asked for, whatever is done to it (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    cluster = await startSimulation(nodes, seed);
    await createWorkloads();
    const deeds = deedsOf(random);
    for (let step = 0; step < 60; step++) {
      await deeds.next();
      await cluster.pass(Math.floor(random() * 8));
    }
    await deeds.calm();
    await endsAsAskedFor();
    expect(cluster.problems.filter((line) => !line.includes('stopped posting its status'))).toEqual([]);
  });

  it.each([3, 4])('ends so although requests are lost, caches lag and loops are restarted (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    cluster = await startSimulation(nodes, seed);
    const chance = seededRandom(seed + 1000);
    cluster.lag = () => (chance() < 0.3 ? Math.floor(chance() * 8) : 0);
    cluster.fault = ({ method }) => {
      if (method === 'GET' || chance() > 0.05) return undefined;
      return chance() < 0.5 ? 'unsent' : 'unanswered';
    };
    await createWorkloads();
    const deeds = deedsOf(random);
    for (let step = 0; step < 40; step++) {
      if (random() < 0.1) await cluster.restart();
      await deeds.next();
      await cluster.pass(Math.floor(random() * 8));
    }
    cluster.fault = cluster.lag = undefined;
    await deeds.calm();
    await endsAsAskedFor();
  });
});
