import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../log';
import { ContainerSweep } from './container-sweep';
import { labels, type ListedContainer, type Runtime } from './runtime/types';

let directory: string;
let containers: ListedContainer[];
let volumes: { name: string; labels: Record<string, string> }[];
let woken: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-sweep-'));
  containers = [];
  volumes = [];
  woken = [];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const has = (wanted: Record<string, string>) => (one: { labels: Record<string, string> }) =>
  Object.entries(wanted).every(([key, value]) => one.labels[key] === value);
const runtime = {
  kind: 'docker',
  list: async (wanted: Record<string, string>) => containers.filter(has(wanted)),
  stopContainer: async () => {},
  removeContainer: async (id: string) => void (containers = containers.filter((one) => one.id !== id)),
  volumes: async (wanted: Record<string, string>) => volumes.filter(has(wanted)),
  removeVolumes: async (wanted: Record<string, string>) => void (volumes = volumes.filter((one) => !has(wanted)(one))),
} as unknown as Runtime;
const own = (uid: string) => ({ [labels.node]: 'one', [labels.podUid]: uid });
const sweep = () =>
  new ContainerSweep({
    runtime,
    log: silentLogger,
    nodeName: 'one',
    volumesDirectory: directory,
    workers: new Map([['known', { wake: () => void woken.push('known') }]]),
    hasPod: (uid) => uid === 'pending',
  });

it('removes volumes that nothing but a pod that is gone ever had', async () => {
  volumes = [
    { name: 'a', labels: own('gone') },
    { name: 'b', labels: own('known') },
    { name: 'c', labels: own('pending') },
    { name: 'of another node', labels: { ...own('gone'), [labels.node]: 'two', [labels.podUid]: 'elsewhere' } },
    { name: 'persistent', labels: { 'gantry.dev/persistent-volume': 'pv' } },
  ];
  await sweep().run();
  expect(volumes.map(({ name }) => name)).toEqual(['b', 'c', 'of another node', 'persistent']);
});

it('removes containers of a pod that is gone with their volumes, and wakes pods whose containers changed', async () => {
  containers = [
    { id: 'orphan', labels: own('gone'), state: 'running' },
    { id: 'seen', labels: own('known'), state: 'running' },
  ];
  volumes = [{ name: 'a', labels: own('gone') }];
  const one = sweep();
  await one.run();
  await expect.poll(() => [containers.map(({ id }) => id), volumes]).toEqual([['seen'], []]);
  expect(woken).toEqual(['known']);
  containers = [{ id: 'seen', labels: own('known'), state: 'exited' }];
  await one.run();
  expect(woken).toEqual(['known', 'known']);
});
