import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { DaemonSet, Node, Pod } from '@shared/k8s';
import { startTestbed, type Testbed } from '../../../test/support/testbed';
import { createNodeConnections } from './apiserver/nodes';
import { resources } from './client/resources';
import { silentLogger } from './log';
import { createMetrics } from './metrics';
import { createNodes, type Nodes } from './nodes';
import { NodeRoster } from './nodes-roster';
import { createScheduler, defaultSettings } from './scheduler';
import { createTaskList } from './tasks';

let bed: Testbed;
let directory: string;
let nodes: Nodes | undefined;
beforeEach(async () => {
  bed = await startTestbed();
  directory = await mkdtemp(join(tmpdir(), 'gantry-roster-'));
});
afterEach(async () => {
  await nodes?.stop();
  nodes = undefined;
  bed.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The app's nodes, all simulated; those of an earlier start are stopped first. */
async function start(simulatedNodes: number): Promise<Nodes> {
  await nodes?.stop();
  const { clock, client, informers } = bed;
  nodes = createNodes({
    clusterId: '00000000',
    clusterName: 'gantry',
    directory,
    runtime: 'simulated',
    dockerHost: `unix://${join(directory, 'docker.sock')}`,
    nodes: 1,
    simulatedNodes,
    client,
    informers,
    connections: createNodeConnections(),
    onEngineUsed: async () => {},
    metrics: createMetrics({ clock, log: silentLogger }),
    tasks: createTaskList(clock),
    clock,
    log: silentLogger,
  });
  nodes.start();
  return nodes;
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
const ready = async (): Promise<string[]> => {
  await bed.advance(100);
  const { items } = await bed.client.list<Node>(resources.nodes);
  return items.map((node) => `${node.metadata.name}${isReady(node) ? '' : ' NotReady'}`).toSorted();
};
const node = (name: string) => bed.client.get<Node>(resources.nodes, undefined, name);

it('adds a node that is there again after a restart', async () => {
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
  expect(await nodes!.add({ kind: 'simulated' })).toEqual({ name: 'gantry-sim-2' });
  expect(await nodes!.add({ kind: 'simulated', name: 'small', cpu: '500m', memory: '1Gi', pods: '5' })).toEqual({
    name: 'small',
  });
  const capacity = { cpu: '500m', memory: '1Gi', pods: '5' };
  expect((await node('small')).status).toMatchObject({ capacity, allocatable: capacity });
  expect((await node('small')).metadata.labels).toMatchObject({ 'gantry.dev/simulated': 'true' });
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1', 'gantry-sim-2', 'small']);
  expect((await node('small')).status).toMatchObject({ capacity });
});

it('refuses names that are taken, and amounts that no node has', async () => {
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
  const add = (more: object) => nodes!.add({ kind: 'simulated', ...more });
  await expect(add({ name: 'gantry-sim-1' })).rejects.toThrow('nodes "gantry-sim-1" already exists');
  await expect(add({ name: 'a', memory: 'much' })).rejects.toThrow(
    'Node "a" is invalid: status.capacity.memory: Invalid value: "much": must be a quantity greater than zero',
  );
  await expect(add({ name: 'a', pods: '0.5' })).rejects.toThrow('whole');
  await expect(add({ name: 'A_b' })).rejects.toThrow('Node "A_b" is invalid: metadata.name');
  await expect(nodes!.add({ kind: 'docker' })).rejects.toThrow('simulated nodes only');
  expect(await ready()).toEqual(['gantry-sim-1']);
});

it('runs the agent of a Node that somebody else makes, and registers again one that somebody deletes', async () => {
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
  const annotations = { 'gantry.dev/agent': 'simulated', 'gantry.dev/agent-capacity': '{"cpu":"32"}' };
  await bed.client.create(resources.nodes, { metadata: { name: 'big', annotations } });
  await bed.client.create(resources.nodes, { metadata: { name: 'foreign' } });
  await expect.poll(ready).toEqual(['big', 'foreign NotReady', 'gantry-sim-1']);
  expect((await node('big')).status!.capacity).toMatchObject({ cpu: '32' });
  const { uid } = (await node('big')).metadata;
  await bed.client.delete(resources.nodes, undefined, 'big');
  await expect.poll(ready).toContain('big');
  expect((await node('big')).metadata.uid).not.toBe(uid);
});

it('gives DaemonSet pods to a new node and takes them with it', async () => {
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
  const { client, informers, clock } = bed;
  const scheduler = createScheduler({ client, informers, clock, log: silentLogger, settings: defaultSettings() });
  await informers.start();
  scheduler.start();
  const labels = { app: 'agent' };
  await bed.client.create<DaemonSet>(resources.daemonSets, {
    metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'agent' }] } },
    },
  } as never);
  const hosts = async () => {
    await bed.advance(1000);
    const pods = await bed.client.list<Pod>(resources.pods, 'default');
    return pods.items.map(({ spec, status }) => `${spec?.nodeName} ${status?.phase}`).toSorted();
  };
  await expect.poll(hosts).toEqual(['gantry-sim-1 Running']);
  await nodes!.add({ kind: 'simulated', name: 'second' });
  await expect.poll(hosts).toEqual(['gantry-sim-1 Running', 'second Running']);
  await nodes!.remove('second');
  await expect.poll(hosts).toEqual(['gantry-sim-1 Running']);
  expect(await ready()).toEqual(['gantry-sim-1']);
  await start(1);
  expect(await ready()).toEqual(['gantry-sim-1']);
  scheduler.stop();
});

it('gives up nodes that a later start does not ask for', async () => {
  await start(3);
  await expect.poll(ready).toEqual(['gantry-sim-1', 'gantry-sim-2', 'gantry-sim-3']);
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
});

it('finishes a removal that was cut short', async () => {
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
  await nodes!.add({ kind: 'simulated', name: 'second' });
  await nodes!.stop();
  const mark = { metadata: { annotations: { 'gantry.dev/agent-removing': 'true' } } };
  await bed.client.patch(resources.nodes, undefined, 'second', mark, { type: 'merge' });
  await start(1);
  await expect.poll(ready).toEqual(['gantry-sim-1']);
});

it('switches an agent off, which makes its node NotReady, and on again', async () => {
  await start(2);
  await expect.poll(ready).toEqual(['gantry-sim-1', 'gantry-sim-2']);
  await nodes!.power('gantry-sim-2', false);
  await bed.advance(60_000);
  await expect.poll(ready).toEqual(['gantry-sim-1', 'gantry-sim-2 NotReady']);
  await expect(nodes!.power('gantry-sim-2', false)).rejects.toThrow('not found');
  await nodes!.power('gantry-sim-2', true);
  await expect.poll(ready).toEqual(['gantry-sim-1', 'gantry-sim-2']);
});

it.each([
  [true, ['gantry']],
  [false, ['gantry', 'gantry-2', 'gantry-3']],
])('waits for one node after the other only where the engine answers (%s)', async (answers, expected) => {
  const begun: string[] = [];
  const agent = (name: string) => ({ connection: {}, start: () => new Promise<void>(() => void begun.push(name)) });
  const roster = new NodeRoster({
    clusterName: 'gantry',
    volumesDirectory: directory,
    client: bed.client,
    informers: bed.informers,
    connections: createNodeConnections(),
    engine: undefined as never,
    createAgent: ({ name }) => agent(name) as never,
    engineFault: () => undefined,
    placesChanged() {},
    changed() {},
    tasks: createTaskList(bed.clock),
    log: silentLogger,
  });
  await roster.load({ docker: 3, simulated: 0 }, true);
  void roster.startOnEngine(answers);
  await new Promise(setImmediate);
  expect(begun).toEqual(expected);
});
