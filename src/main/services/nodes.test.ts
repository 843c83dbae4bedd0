import { expect, it, vi } from 'vitest';
import { silentLogger } from '../cluster/log';
import { nodeMethods } from './nodes';

/** What was done to nodes, in order. */
function setUp(drained: boolean) {
  const done: string[] = [];
  const note = (what: string) => async (name: unknown) => void done.push(`${what} ${JSON.stringify(name)}`);
  const methods = nodeMethods({
    embedded: {
      id: 'gantry',
      nodes: {
        add: async (node) => {
          await note('add')(node);
          return { name: 'gantry-2' };
        },
        checkRemoval: async (name) => {
          if (name === 'gantry') throw new Error('it is the first node');
        },
        remove: note('remove'),
        power: async (name, on) => note(on ? 'start' : 'stop')(name),
      },
    },
    drain: {
      begin: async ({ name }) => {
        await note('drain')(name);
        return { ended: Promise.resolve(drained) };
      },
    },
    log: silentLogger,
  });
  return { done, methods };
}
const context = { signal: new AbortController().signal };

it('adds, stops and starts nodes of the embedded cluster, and of no other', async () => {
  const { done, methods } = setUp(true);
  expect(await methods['node.add']({ cluster: 'gantry', kind: 'simulated', cpu: '2' })).toEqual({
    name: 'gantry-2',
  });
  await methods['node.power']({ cluster: 'gantry', name: 'gantry-2', on: false });
  expect(done).toEqual(['add {"kind":"simulated","cpu":"2"}', 'stop "gantry-2"']);
  const elsewhere = methods['node.power']({ cluster: 'file#context', name: 'n', on: true });
  await expect(elsewhere).rejects.toMatchObject({ code: 'unavailable' });
});

it('drains a node before it removes it, unless it is forced', async () => {
  const calm = setUp(true);
  await calm.methods['node.remove']({ cluster: 'gantry', name: 'gantry-2', force: false }, context);
  await vi.waitFor(() => expect(calm.done).toEqual(['drain "gantry-2"', 'remove "gantry-2"']));
  const forced = setUp(true);
  await forced.methods['node.remove']({ cluster: 'gantry', name: 'gantry-2', force: true }, context);
  expect(forced.done).toEqual(['remove "gantry-2"']);
});

it('removes no node that was not drained, and does not drain one that cannot be removed', async () => {
  const { done, methods } = setUp(false);
  await methods['node.remove']({ cluster: 'gantry', name: 'gantry-2', force: false }, context);
  await Promise.resolve();
  expect(done).toEqual(['drain "gantry-2"']);
  const first = methods['node.remove']({ cluster: 'gantry', name: 'gantry', force: false }, context);
  await expect(first).rejects.toThrow('first node');
  expect(done).toEqual(['drain "gantry-2"']);
});
