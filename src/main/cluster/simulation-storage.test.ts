import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, StatefulSet } from '@shared/k8s';
import { startSimulation, template, type Simulation } from '../../../test/support/simulation';
import { resources } from './client/resources';
import { isReady } from './controllers/pods';
import { createLogger } from './log';
import { createStorage, type Storage } from './storage';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cluster: Simulation;
let storage: Storage;
beforeEach(async () => {
  cluster = await startSimulation([]);
  storage = createStorage({
    client: cluster.client,
    informers: cluster.informers,
    clock: cluster.clock,
    log: createLogger('test', 'warn', (line) => void cluster.problems.push(line.trim())),
    engine: {
      createVolume: () => Promise.reject(new Error('nothing real is made for simulated nodes')),
      removeVolumes: () => Promise.reject(new Error('nothing real is removed for simulated nodes')),
    },
  });
  storage.start();
  for (const name of ['node-a', 'node-b']) {
    await cluster.join(name);
    await cluster.client.patch(resources.nodes, undefined, name, {
      metadata: { labels: { 'gantry.dev/simulated': 'true' } },
    });
  }
});
afterEach(async () => {
  await storage.stop();
  await cluster.stop();
  expect(cluster.problems).toEqual([]);
});

const claims = async () =>
  Object.fromEntries(
    (await cluster.list<PersistentVolumeClaim>(resources.persistentVolumeClaims)).map(({ metadata, spec, status }) => [
      metadata.name,
      status?.phase === 'Bound' ? spec!.volumeName : status?.phase,
    ]),
  );
const volumes = async () =>
  (await cluster.list<PersistentVolume>(resources.persistentVolumes)).map(({ metadata }) => metadata.name).sort();
const ready = (count: number) =>
  cluster.until(
    async () => (await cluster.pods('app=db')).filter(isReady).length,
    (found) => found === count,
    120,
  );
const scale = (replicas: number) =>
  cluster.client.patch<StatefulSet>(resources.statefulSets, 'default', 'db', { spec: { replicas } });

it('claims are bound when their pods are placed, kept or removed as their set says, and found again', async () => {
  const set = {
    metadata: { name: 'db' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' },
      template: template('db'),
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  };
  await cluster.create(resources.statefulSets, set);
  await cluster.pass(2);
  await cluster.restart();
  await ready(3);
  const first = await claims();
  expect(Object.keys(first).sort()).toEqual(['data-db-0', 'data-db-1', 'data-db-2']);
  expect(await volumes()).toEqual(Object.values(first).sort());

  await scale(2);
  await cluster.until(volumes, (found) => found.length === 2, 120);
  expect(await claims()).toEqual({ 'data-db-0': first['data-db-0'], 'data-db-1': first['data-db-1'] });

  await cluster.client.delete(resources.statefulSets, 'default', 'db');
  await cluster.until(
    () => cluster.pods(),
    (pods) => pods.length === 0,
    120,
  );
  await cluster.pass(60);
  expect(await volumes()).toHaveLength(2);
  await cluster.create(resources.statefulSets, set);
  await ready(3);
  expect(await claims()).toMatchObject({ 'data-db-0': first['data-db-0'], 'data-db-1': first['data-db-1'] });
});
