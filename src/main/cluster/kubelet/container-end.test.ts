import { describe, expect, it } from 'vitest';
import { createLogger } from '../log';
import { removeEnded } from './container-end';
import { RuntimeError, type Runtime } from './runtime/types';

const busy = new RuntimeError('failed to remove root filesystem: device or resource busy', 'failed');

/** Removes a container that fails so and is in this state then. @returns what was logged */
async function removing(failure: RuntimeError, state: string | undefined): Promise<string> {
  let logged = '';
  const runtime = {
    removeContainer: () => Promise.reject(failure),
    inspect: async () => (state ? { state } : undefined),
  } as unknown as Runtime;
  await removeEnded({ runtime, log: createLogger('test', 'debug', (line) => void (logged += line)) }, 'id');
  return logged;
}

describe('removeEnded', () => {
  it.each(['exited', 'created', undefined])(
    'lets nobody wait for an engine that cannot remove what is %s',
    async (state) => {
      expect(await removing(busy, state)).toContain('device or resource busy');
    },
  );

  it('does not take for ended what still runs', async () => {
    await expect(removing(busy, 'running')).rejects.toBe(busy);
  });

  it('waits for an engine that does not answer', async () => {
    const gone = new RuntimeError('no answer', 'unreachable');
    await expect(removing(gone, 'exited')).rejects.toBe(gone);
  });
});
