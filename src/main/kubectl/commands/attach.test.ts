import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { apiError } from '../../cluster/api/errors';
import { podBody } from '../../cluster/apiserver/testing';
import type { NodeConnection } from '../../cluster/apiserver/node-connection';
import { createTestKubectl } from '../testing';

const ended = 'cannot exec into a container in a completed state: container "main" is not running';
/** As the node answers when it is asked, and as it does on a connection that stands. */
const refusals: Record<string, NodeConnection['run']> = {
  'at once': () => Promise.reject(apiError(500, 'InternalError', ended)),
  'on the connection': async () => ({
    stdin: null,
    stdout: Readable.from([]),
    stderr: null,
    resize() {},
    done: Promise.resolve({ exitCode: -1, error: ended }),
    close() {},
  }),
};
let answer: () => ReturnType<NodeConnection['run']>;
let test: Awaited<ReturnType<typeof createTestKubectl>>;

beforeEach(async () => {
  test = await createTestKubectl();
  test.nodes.register('n1', {
    logs: async () => Readable.from(['all that it said\n']),
    run: () => answer(),
    portForward: async () => Promise.reject(new Error('no ports')),
  });
});

const pods = '/api/v1/namespaces/default/pods';

/** Makes of a pod one that the API has for running, of which the node knows better. */
async function runningPod(name: string): Promise<void> {
  await expect.poll(() => test.send('GET', `${pods}/${name}`).catch(() => undefined)).toBeDefined();
  await test.send('POST', `${pods}/${name}/binding`, {
    body: { metadata: { name }, target: { kind: 'Node', name: 'n1' } },
  });
  const { body } = await test.send('GET', `${pods}/${name}`);
  await test.send('PUT', `${pods}/${name}/status`, { body: { ...body, status: { phase: 'Running' } } });
}

describe.each(Object.entries(refusals))('a container that ends before it is attached to, told %s', (_how, run) => {
  beforeEach(() => void (answer = run as typeof answer));

  it('has its log printed by run', async () => {
    const ran = test.start(['run', 'p', '--image=i', '--attach', '--restart=Never']);
    await runningPod('p');
    expect(await ran.done).toBe(0);
    expect(ran.out()).toBe('all that it said\n');
    expect(ran.err()).toBe(`warning: couldn't attach to pod/p, falling back to streaming logs: ${ended}\n`);
  });

  it('is refused by attach', async () => {
    await test.send('POST', pods, { body: podBody('q', { containers: [{ name: 'main', image: 'i' }] }) });
    await runningPod('q');
    expect(await test.kubectl('attach q')).toMatchObject({ code: 1, out: '', err: expect.stringContaining(ended) });
  });
});
