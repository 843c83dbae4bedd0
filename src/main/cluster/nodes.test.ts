import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Node } from '@shared/k8s';
import { startTestbed, type Testbed } from '../../../test/support/testbed';
import { createNodeConnections } from './apiserver/nodes';
import { resources } from './client/resources';
import { createLogger } from './log';
import { createMetrics } from './metrics';
import { createNodes, type Nodes, type NodesOptions } from './nodes';
import { createTaskList } from './tasks';

let bed: Testbed;
let directory: string;
let lines: string[];
let nodes: Nodes;
beforeEach(async () => {
  bed = await startTestbed();
  directory = await mkdtemp(join(tmpdir(), 'gantry-nodes-'));
  lines = [];
});
afterEach(async () => {
  await nodes.stop();
  bed.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Nodes on an engine whose socket is not there. */
function startNodes(options: Partial<NodesOptions>): Nodes {
  const { clock, client, informers } = bed;
  const log = createLogger('test', 'info', (line) => void lines.push(line));
  nodes = createNodes({
    clusterId: '00000000',
    clusterName: 'gantry',
    directory,
    runtime: 'auto',
    dockerHost: `unix://${join(directory, 'docker.sock')}`,
    nodes: 1,
    simulatedNodes: 0,
    client,
    informers,
    connections: createNodeConnections(),
    onEngineUsed: async () => {},
    metrics: createMetrics({ clock, log }),
    tasks: createTaskList(clock),
    clock,
    log,
    ...options,
  });
  nodes.start();
  return nodes;
}
const listed = async () => (await bed.client.list<Node>(resources.nodes)).items;

it('has no node and says why while an engine that was never used does not answer', async () => {
  startNodes({});
  await expect.poll(() => lines.join('')).toContain('no container engine answers');
  expect(lines.join('')).toContain('docker.sock');
  expect(await listed()).toEqual([]);
  expect(nodes.engineStatus()).toMatchObject({ reachable: false, runtime: 'none' });
});

it("has its node, NotReady with the engine's words, when it was used before", async () => {
  startNodes({ engineUsed: true });
  await expect.poll(listed).toHaveLength(1);
  const ready = (await listed())[0]!.status!.conditions!.find(({ type }) => type === 'Ready');
  expect(ready).toMatchObject({ status: 'False', reason: 'KubeletNotReady' });
  expect(ready!.message).toContain('docker.sock');
  expect(nodes.engineStatus()).toMatchObject({ reachable: false, runtime: 'docker' });
});

it('counts as simulated when simulated nodes stand in for the engine', async () => {
  startNodes({ engineUsed: true });
  await expect.poll(listed).toHaveLength(1);
  expect(await nodes.simulate(2)).toMatchObject({ reachable: false, runtime: 'simulated' });
  expect(await listed()).toHaveLength(3);
});
