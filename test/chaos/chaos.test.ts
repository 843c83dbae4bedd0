import { execSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { deleteCluster } from '../support/app';
import { busybox, docker, ensureBusybox } from '../support/docker';
import { copyImages, ownEngineFault, startOwnEngine, type OwnEngine } from '../support/engine';
import { ensureNodeImage } from '../support/node-image';
import { seededRandom } from '../support/random';
import { Inspection } from './inspection';
import { Mayhem } from './mayhem';
import { Operator } from './operator';
import { Supervisor } from './supervisor';
import { mostReplicas, User } from './user';
import { job, namespace, service } from './workloads';

/**
 * Everything is broken at random while work is asked for; what was acknowledged comes true, once, and nothing is left.
 *
 * GANTRY_TEST_SEED       another sequence of events
 * GANTRY_CHAOS_SECONDS   how long things are broken (90)
 * GANTRY_CHAOS_RESTART   a command that restarts the machine's engine, where no engine of the test's own can run
 */
const seed = Number(process.env.GANTRY_TEST_SEED ?? 11);
const seconds = Number(process.env.GANTRY_CHAOS_SECONDS ?? 90);
const restartCommand = process.env.GANTRY_CHAOS_RESTART;
/** Containers that were killed three times wait 40 s, a node that was stopped is noticed after 40 s. */
const convergeMs = 300_000;

let engine: OwnEngine | undefined;
let supervisor: Supervisor;
let inspection: Inspection;

const say = (text: string): void => void process.stderr.write(`chaos: ${text}\n`);

beforeAll(async () => {
  await ensureBusybox();
  const fault = ownEngineFault();
  const image = await ensureNodeImage();
  if (!fault) {
    engine = await startOwnEngine();
    await copyImages(engine.docker, [busybox, image]);
  } else if (!restartCommand) {
    say(`THE ENGINE IS NOT RESTARTED: ${fault}. Set GANTRY_CHAOS_RESTART to a command that restarts Docker.`);
  }
  supervisor = new Supervisor({
    args: ['--runtime', 'docker', '--nodes', '2', ...(engine ? ['--docker-host', engine.host] : [])],
    env: { GANTRY_NODE_IMAGE: image },
  });
  inspection = new Inspection({ engine: engine?.docker ?? docker, supervisor, alone: engine !== undefined });
  await supervisor.start();
}, 600_000);

afterEach(({ task }) => {
  if (task.result?.state !== 'fail' || !supervisor) return;
  const notable = supervisor
    .log()
    .split('\n')
    .filter((line) => !/ (INFO|DEBUG) /.test(line));
  say(`what the app said last:\n${notable.slice(-60).join('\n')}`);
});

afterAll(async () => {
  await supervisor?.stop();
  try {
    if (supervisor?.directory) {
      await deleteCluster(supervisor.directory, engine ? ['--docker-host', engine.host] : []);
      expect(await inspection.left(true)).toEqual([]);
    }
  } finally {
    await engine?.stop();
  }
}, 120_000);

const create = async (path: string, body: object): Promise<void> => {
  const { status, text } = await supervisor.call('POST', path, body);
  expect(status, text).toBe(201);
};

/** Waits until nothing is found; an engine that is mistaken itself is started anew. */
async function settled(find: () => Promise<string[]>): Promise<void> {
  try {
    await expect.poll(find, { timeout: 30_000, interval: 500 }).toEqual([]);
  } catch (error) {
    if (!engine || !(await inspection.engineMiscounts())) throw error;
    say('the engine believes volumes mounted that nothing uses: it is restarted');
    await engine.restart();
    await expect.poll(find, { timeout: 90_000, interval: 500 }).toEqual([]);
  }
}

test(
  `desired is actual after ${seconds} s of chaos (seed ${seed})`,
  { timeout: seconds * 1000 + 800_000 },
  async () => {
    const random = seededRandom(seed);
    const user = new User(supervisor, seededRandom(random() * 1e9));
    const restartEngine = engine
      ? () => engine!.restart()
      : restartCommand && (async () => void execSync(restartCommand));
    const mayhem = new Mayhem({
      engine: engine?.docker ?? docker,
      supervisor,
      random: seededRandom(random() * 1e9),
      ...(restartEngine ? { restartEngine } : {}),
      ...(engine ? { hang: engine, release: (id) => engine!.release(id) } : {}),
      readyNodes: () => inspection.readyNodes(),
    });

    await create('/api/v1/namespaces', { metadata: { name: namespace } });
    await create(`/api/v1/namespaces/${namespace}/services`, service);
    await create(`/apis/batch/v1/namespaces/${namespace}/jobs`, job);
    for (const name of ['red', 'green', 'blue']) await user.ask('deployment', name, { replicas: 2, version: '0' });
    await user.ask('statefulset', 'db', { replicas: 2, version: '0' });
    await user.ask('daemonset', 'agent', { version: '0' });
    // Chaos is for a cluster that has come up.
    await expect
      .poll(async () => (await inspection.differences(user)).filter((one) => !one.startsWith('job')), {
        timeout: convergeMs,
        interval: 500,
      })
      .toEqual([]);

    const until = Date.now() + seconds * 1000;
    const { claims } = inspection;
    await Promise.all([user.work(until), mayhem.work(until), new Operator(supervisor).work(until), claims.work(until)]);
    say(`${JSON.stringify(mayhem.done)} while ${JSON.stringify(user.done)}`);

    await user.settleAll();
    await user.ask('deployment', 'red', { replicas: 2, version: 'last' });
    // Each claim that it ever had gets its pod again, which shows what is in it.
    await user.ask('statefulset', 'db', { replicas: mostReplicas, version: 'last' });
    expect(claims.known).toBeGreaterThan(0);
    const from = Date.now();
    await expect.poll(() => inspection.differences(user), { timeout: convergeMs, interval: 1000 }).toEqual([]);
    await settled(() => inspection.leaks());
    say(`all is as it was asked for ${((Date.now() - from) / 1000).toFixed(0)} s after the last change`);
    // Services lead to what is there now, from every node.
    const red = await inspection.podsOf('red');
    await expect
      .poll(() => inspection.answers('agent', `web.${namespace}.svc.cluster.local`), {
        timeout: 30_000,
        interval: 1000,
      })
      .toEqual([red, red]);
    // It stays so, and nothing acknowledged was lost on the way.
    await sleep(5_000);
    expect(await inspection.differences(user)).toEqual([]);
    expect(await inspection.leaks()).toEqual([]);
    await user.settleAll();
    expect(
      supervisor
        .log()
        .split('\n')
        .filter((line) => / ERROR /.test(line)),
    ).toEqual([]);
  },
);

test('removing the namespace leaves nothing of it', { timeout: 400_000 }, async () => {
  const { status, text } = await supervisor.call('DELETE', `/api/v1/namespaces/${namespace}`);
  expect(status, text).toBeLessThan(300);
  const found = async () => (await supervisor.call('GET', `/api/v1/namespaces/${namespace}`)).status;
  await expect.poll(found, { timeout: 120_000, interval: 500 }).toBe(404);
  await settled(() => inspection.left());
  await settled(() => inspection.leaks());
});
