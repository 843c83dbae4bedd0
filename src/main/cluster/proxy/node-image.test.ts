import { describe, expect, it, vi } from 'vitest';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { createTaskList } from '../tasks';
import { createNodeImage, imageReference, type ImageEngine } from './node-image';

const files = [{ name: 'Dockerfile', data: 'FROM scratch\n' }];
const reference = imageReference(files);

function setUp(build: NonNullable<ImageEngine['buildImage']>, given?: string) {
  const clock = new FakeClock();
  const tasks = createTaskList(clock);
  const present = new Set<string>();
  const engine = {
    image: vi.fn(async (name: string) => (present.has(name) ? {} : undefined)),
    buildImage: vi.fn(async (...call: Parameters<typeof build>) => {
      await build(...call);
      present.add(call[0]);
    }),
    pullImage: vi.fn(async (name: string) => void present.add(name)),
  } satisfies ImageEngine;
  const onReady = vi.fn();
  const onFailed = vi.fn();
  const log = silentLogger;
  const image = createNodeImage({ engine, files: () => files, reference: given, tasks, clock, log, onReady, onFailed });
  return { clock, tasks, present, engine, onReady, onFailed, image };
}

describe('the node image', () => {
  it('is named by what it is made of', () => {
    expect(reference).toMatch(/^gantry\/node:[0-9a-f]{12}$/);
    expect(imageReference([{ name: 'Dockerfile', data: 'FROM other\n' }])).not.toBe(reference);
    expect(imageReference([{ ...files[0]!, executable: true }])).not.toBe(reference);
  });

  it('is built once, as a task with progress', async () => {
    let release = (): void => {};
    const { clock, tasks, image, engine, onReady } = setUp(async (_, __, options) => {
      options!.onProgress!('Step 2/4 : RUN something');
      await new Promise<void>((resolve) => (release = resolve));
    });
    image.start();
    await clock.advance(1);
    expect(tasks.list()).toMatchObject([
      { title: 'Building the node image', state: 'running', cancellable: true, progress: 0.25 },
    ]);
    expect(image.ready()).toBeUndefined();
    release();
    await clock.advance(1);
    expect(image.ready()).toBe(reference);
    expect(onReady).toHaveBeenCalledOnce();
    await clock.advance(600_000);
    expect(engine.buildImage).toHaveBeenCalledOnce();
    expect(onReady).toHaveBeenCalledOnce();
    await image.stop();
  });

  it('says why it could not be built and tries again after 1, 2, 4, 8, 10, 10 minutes', async () => {
    const times: number[] = [];
    const { clock, tasks, image, onFailed } = setUp(async () => {
      times.push(clock.now());
      throw new Error('pull access denied');
    });
    image.start();
    await clock.advance(1);
    expect(tasks.list()).toMatchObject([{ state: 'failed', error: 'pull access denied' }]);
    expect(onFailed).toHaveBeenCalledWith('pull access denied');
    await clock.advance(36 * 60_000);
    const minutes = times.slice(1).map((time, index) => (time - times[index]!) / 60_000);
    expect(minutes).toEqual([1, 2, 4, 8, 10, 10]);
    await image.stop();
  });

  it('is built again when somebody removed it', async () => {
    const { clock, image, engine, present, onReady } = setUp(async () => {});
    image.start();
    await clock.advance(1);
    present.clear();
    await clock.advance(60_000);
    expect(engine.buildImage).toHaveBeenCalledTimes(2);
    expect(onReady).toHaveBeenCalledTimes(2);
    await image.stop();
  });

  it('is pulled when one is named', async () => {
    const { clock, image, engine } = setUp(async () => {}, 'example.com/node:1');
    image.start();
    await clock.advance(1);
    expect(engine.pullImage).toHaveBeenCalledWith('example.com/node:1', expect.anything());
    expect(engine.buildImage).not.toHaveBeenCalled();
    expect(image.ready()).toBe('example.com/node:1');
    await image.stop();
  });

  it('gives up a build on stop', async () => {
    const { image, onFailed } = setUp(
      (_, __, options) =>
        new Promise((_resolve, reject) => options!.signal!.addEventListener('abort', () => reject(new Error('ended')))),
    );
    image.start();
    await new Promise((resolve) => setImmediate(resolve));
    await image.stop();
    expect(onFailed).not.toHaveBeenCalled();
  });
});
