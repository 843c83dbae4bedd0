import { afterAll, beforeAll, expect, it } from 'vitest';
import { resources } from '../../src/main/cluster/client/resources';
import { systemClock } from '../../src/main/cluster/clock';
import { createHarness, podOf, script, type Harness } from './kubelet-harness';

const forever = 'trap "exit 0" TERM; while true; do sleep 0.1; done';
const directory = '/var/run/secrets/kubernetes.io/serviceaccount';
const patience = { timeout: 20_000, interval: 200 };

/** The agent's clock: it can jump, and does not wait minutes for what is due in minutes. */
let ahead = 0;
const clock = {
  now: () => Date.now() + ahead,
  setTimeout: (callback: () => void, ms: number) => systemClock.setTimeout(callback, ms > 60_000 ? 1000 : ms),
};

let cluster: Harness;
beforeAll(async () => {
  cluster = await createHarness({ tokens: true, clock });
  const namespace = 'default';
  await cluster.client.create(resources.serviceAccounts, { metadata: { name: 'default', namespace } });
  const data = { 'ca.crt': 'the authority' };
  await cluster.client.create(resources.configMaps, { metadata: { name: 'kube-root-ca.crt', namespace }, data });
});
afterAll(() => cluster?.close());

const read = async (file: string) => (await cluster.run('p', ['cat', `${directory}/${file}`])).output;

it('pods hold the token of their account, which is replaced in time and by an agent that adopts them', async () => {
  const pod = await cluster.create(podOf('p', script(forever)));
  await cluster.running('p');
  expect(await read('namespace')).toBe('default');
  expect(await read('ca.crt')).toBe('the authority');
  const first = await read('token');
  const claims = JSON.parse(Buffer.from(first.split('.')[1]!, 'base64url').toString());
  expect(claims['kubernetes.io']).toMatchObject({
    namespace: 'default',
    serviceaccount: { name: 'default' },
    pod: { name: 'p', uid: pod.metadata.uid },
  });
  expect(claims.exp - claims.iat).toBe(3607);
  expect((await cluster.run('p', ['sh', '-c', `echo x > ${directory}/token`])).exitCode).not.toBe(0);

  ahead = 0.79 * 3_607_000;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(await read('token')).toBe(first);
  ahead = 0.81 * 3_607_000;
  await expect.poll(() => read('token'), patience).not.toBe(first);
  const second = await read('token');
  await cluster.restart();
  await expect.poll(() => read('token'), patience).not.toBe(second);
});
