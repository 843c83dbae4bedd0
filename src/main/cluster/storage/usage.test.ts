import { expect, it } from 'vitest';
import type { Pod } from '@shared/k8s';
import { resources } from '../client/resources';
import { startStorageBed } from '../controllers/persistentvolume/testing';
import { silentLogger } from '../log';
import { createVolumeUsage } from './usage';

it('tells how full the claims of running pods are, and asks the engine at most once a minute', async () => {
  const bed = await startStorageBed();
  let asked = 0;
  const there = ['handle'];
  const volumeSizes = async () => {
    const bytes = 10_000 + ++asked;
    return new Map(there.map((name) => [name, bytes]));
  };
  const usage = createVolumeUsage({
    informers: bed.informers,
    engine: { volumeSizes },
    clock: bed.clock,
    log: silentLogger,
  });
  try {
    // A pod of a node that is gone would be removed in that minute.
    await bed.client.create(resources.nodes, { metadata: { name: 'n1' } });
    await bed.volume('pv', { hostPath: undefined, csi: { driver: 'docker.gantry.dev', volumeHandle: 'handle' } });
    await bed.claim('data');
    expect(await bed.claimState('data')).toBe('Bound pv');
    await bed.pod('user', 'data', { nodeName: 'n1' });
    expect(await usage('n1')).toEqual([]);
    expect(asked).toBe(0);
    await bed.run(await bed.client.get<Pod>(resources.pods, 'default', 'user'));
    await bed.settle();
    const [first] = await usage('n1');
    expect(first).toMatchObject({ pod: 'user', volume: 'v', claim: 'data', usedBytes: 10_001, capacityBytes: 2 ** 30 });
    expect(await usage('n2')).toEqual([]);
    await bed.advance(59_000);
    await usage('n1');
    expect(asked).toBe(1);
    await bed.advance(1000);
    expect((await usage('n1'))[0]?.usedBytes).toBe(10_002);
    // A new volume is asked for sooner.
    await bed.volume('pv2', { hostPath: undefined, csi: { driver: 'docker.gantry.dev', volumeHandle: 'new' } });
    await bed.claim('more');
    expect(await bed.claimState('more')).toBe('Bound pv2');
    await bed.pod('second', 'more', { nodeName: 'n1' });
    await bed.run(await bed.client.get<Pod>(resources.pods, 'default', 'second'));
    await bed.settle();
    there.push('new');
    expect((await usage('n1')).map(({ claim }) => claim)).toEqual(['data']);
    await bed.advance(5000);
    expect((await usage('n1')).map(({ claim }) => claim)).toEqual(['data', 'more']);
  } finally {
    bed.stop();
  }
});
