import { expect, it } from 'vitest';
import { FakeClock } from '../../clock';
import { createSimulatedRuntime } from './simulated';
import { labels, type ContainerSpec } from './types';

const start = async (behaviour: object, random = () => 0.5) => {
  const clock = new FakeClock();
  const runtime = createSimulatedRuntime({ clusterId: 'c', clock, random });
  const spec = {
    labels: { [labels.podUid]: 'u', [labels.containerName]: 'main' },
    image: 'app:1',
    simulate: JSON.stringify({ startMs: 0, ...behaviour }),
  } as unknown as ContainerSpec;
  const id = await runtime.createContainer(spec);
  const run = async () => {
    const started = runtime.startContainer(id);
    await clock.advance(0);
    await started;
  };
  await run();
  return { clock, runtime, id, run, container: async () => (await runtime.inspect(id))! };
};

it('stages change what a container is like, and end it', async () => {
  const stages = [
    { afterMs: 1000, healthy: false, cpu: 2 },
    { afterMs: 3000, healthy: true },
    { afterMs: 5000, exitCode: 3, oomKilled: true },
  ];
  const { clock, runtime, id, run, container } = await start({ stages, cpu: 0 });
  expect(await runtime.probe!(id)).toBe(true);
  await clock.advance(1000);
  expect(await runtime.probe!(id)).toBe(false);
  await runtime.stats(id);
  await clock.advance(1000);
  expect((await runtime.stats(id))!.cpuTotalNanos).toBe(2e9);
  await clock.advance(1000);
  expect(await runtime.probe!(id)).toBe(true);
  await clock.advance(2000);
  expect(await container()).toMatchObject({ state: 'exited', exitCode: 3, oomKilled: true });
  await run();
  expect(await container()).toMatchObject({ state: 'running' });
  await clock.advance(5000);
  expect(await container()).toMatchObject({ state: 'exited', exitCode: 3 });
});

it('fails as often as it is told, and ends well otherwise', async () => {
  const draws = [0.1, 0.9];
  const { clock, run, container } = await start({ runMs: 10, exitCode: 1, failureRate: 0.5 }, () => draws.shift() ?? 0);
  await clock.advance(10);
  expect(await container()).toMatchObject({ exitCode: 1 });
  await run();
  await clock.advance(10);
  expect(await container()).toMatchObject({ exitCode: 0 });
});

it('a container that is stopped is left alone by its stages', async () => {
  const { clock, runtime, id, container } = await start({ stages: [{ afterMs: 1000, exitCode: 7 }] });
  const stopped = runtime.stopContainer(id, 10);
  await clock.advance(1000);
  await stopped;
  expect(await container()).toMatchObject({ state: 'exited', exitCode: 143 });
});
