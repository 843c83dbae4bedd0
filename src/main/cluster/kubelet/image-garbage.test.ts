import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Node } from '@shared/k8s';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { ImageGarbage } from './image-garbage';
import type { ImageInfo, Runtime } from './runtime/types';

const image = (id: string, sizeBytes = 100): ImageInfo => ({ id, sizeBytes, reference: id, user: '' });

let directory: string;
let clock: FakeClock;
let present: Map<string, ImageInfo>;
let used: Set<string>;
let available: number;
let events: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-images-'));
  clock = new FakeClock();
  present = new Map();
  used = new Set();
  available = 100;
  events = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const garbage = (): ImageGarbage =>
  new ImageGarbage({
    runtime: {
      imagesInUse: async () => used,
      image: async (name: string) => present.get(name),
      removeImage: async (name: string) => void present.delete(name),
    } as unknown as Runtime,
    clock,
    log: silentLogger,
    recorder: {
      event: (_: unknown, __: string, reason: string, message: string) => void events.push(`${reason}: ${message}`),
    } as never,
    node: () => ({}) as Node,
    file: join(directory, 'images.json'),
    disk: async () => ({ available, capacity: 1000 }),
  });

async function pull(into: ImageGarbage, name: string): Promise<void> {
  present.set(name, image(`id-${name}`));
  await into.note(name, present.get(name)!);
}

describe('unused images', () => {
  it('go when the disk is full, the longest unused first, and only what this node pulled', async () => {
    const one = garbage();
    present.set('theirs:1', image('id-theirs'));
    await pull(one, 'old:1');
    await clock.advance(60_000);
    await pull(one, 'new:1');
    await pull(one, 'used:1');
    used.add('id-used:1');
    await clock.advance(150_000);
    await one.collect();
    // 90 % are in use and 80 % is the aim: one image of 100 is enough.
    expect([...present.keys()]).toEqual(['theirs:1', 'new:1', 'used:1']);
    await one.collect();
    expect([...present.keys()]).toEqual(['theirs:1', 'used:1']);
    await one.collect();
    await one.collect();
    expect([...present.keys()]).toEqual(['theirs:1', 'used:1']);
    expect(events).toEqual([
      'FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 100 bytes, but only found 0 bytes eligible to free.',
    ]);
  });

  it('stay while there is room, while they are young, and when their name means another image', async () => {
    const one = garbage();
    await pull(one, 'a:1');
    await one.collect();
    expect(present.has('a:1')).toBe(true);
    await clock.advance(150_000);
    available = 200;
    await one.collect();
    expect(present.has('a:1')).toBe(true);
    available = 10;
    present.set('a:1', image('id-of-the-user'));
    await one.collect();
    expect(present.has('a:1')).toBe(true);
  });

  it('are known to the next run', async () => {
    await pull(garbage(), 'a:1');
    await clock.advance(150_000);
    await garbage().reclaim();
    expect(present.size).toBe(0);
  });
});
