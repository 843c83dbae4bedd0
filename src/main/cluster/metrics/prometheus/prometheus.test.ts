import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kinds } from '../../api';
import { loadSchema } from '../../api/schema';
import { createNodeConnections } from '../../apiserver/nodes';
import { createRbac } from '../../apiserver/rbac/authorizer';
import { ensureDefaultRoles } from '../../apiserver/rbac/bootstrap';
import { createApiServer, type ApiServer } from '../../apiserver/server';
import { createClient } from '../../client/client';
import { createInProcessTransport } from '../../client/in-process';
import { resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { FakeClock } from '../../clock';
import { Histogram } from '../../histogram';
import { silentLogger } from '../../log';
import { openMemoryStore } from '../../store';
import type { NodeUsage } from '../metrics';
import { createMonitoring, queueFamilies, schedulerFamilies, storeFamilies, type ClusterMonitoring } from '.';
import { summary } from './node';
import { readExposition } from './testing';

const totals = { timeMs: 5000, cpuTotalNanos: 3e9, memoryBytes: 2 ** 20 };
const sample = { time: 5000, windowMs: 1000, cpuNanocores: 5e8, memoryBytes: 2 ** 20 };
const node: NodeUsage = {
  name: 'n',
  node: totals,
  containers: [{ namespace: 'ns', pod: 'p', container: 'main', id: 'abc', totals, sample }],
  pods: [{ namespace: 'ns', pod: 'p', uid: 'u', totals, sample }],
};

let server: ApiServer;
let monitoring: ClusterMonitoring;
let time: number;
const clock = new FakeClock();
beforeEach(async () => {
  time = 0;
  monitoring = createMonitoring(
    (name) => (name === 'n' ? node : undefined),
    () => time,
  );
  const store = openMemoryStore({ clock });
  const rbac = createRbac(store);
  server = createApiServer({
    store,
    kinds,
    schema: loadSchema(),
    clock,
    log: silentLogger,
    nodes: createNodeConnections(),
    monitoring,
    rbac,
  });
  await ensureDefaultRoles(server);
  monitoring.add(() => storeFamilies(store, server.context.registry.all()));
  server.context.nodes.register('n', {} as never);
});
afterEach(() => server.close());

const as = (...groups: string[]) => createClient(createInProcessTransport(server, { name: 'someone', groups }));
const admin = () => as('system:masters', 'system:authenticated');
const read = async (path: string, client = admin()) =>
  readExposition((await client.transport.request<string>({ method: 'GET', path })).body);

describe('GET /metrics', () => {
  it('counts requests by verb, resource, scope and code', async () => {
    const client = admin();
    await client.create(resources.namespaces, { metadata: { name: 'default' } });
    await client.create(resources.configMaps, { metadata: { name: 'a', namespace: 'default' } });
    await expect(
      client.create(resources.configMaps, { metadata: { name: 'a', namespace: 'default' } }),
    ).rejects.toThrow('already exists');
    await client.list(resources.pods);
    await expect(client.get(resources.pods, 'default', 'none')).rejects.toThrow('not found');
    const { value } = await read('/metrics');
    const of = (labels: object) =>
      value('apiserver_request_total', {
        component: 'apiserver',
        group: '',
        version: 'v1',
        subresource: '',
        ...labels,
      });
    expect(of({ verb: 'POST', resource: 'configmaps', scope: 'namespace', code: '201' })).toBe(1);
    expect(of({ verb: 'POST', resource: 'configmaps', scope: 'namespace', code: '409' })).toBe(1);
    expect(of({ verb: 'LIST', resource: 'pods', scope: 'cluster', code: '200' })).toBe(1);
    expect(value('apiserver_storage_objects', { resource: 'configmaps' })).toBe(1);
    expect(value('apiserver_current_inflight_requests', { request_kind: 'readOnly' })).toBe(1);
    expect(value('gantry_store_revision')).toBeGreaterThan(2);
    expect(value('process_start_time_seconds')).toBeGreaterThan(0);
    expect(value('nodejs_version_info', { version: process.version, major: '', minor: '', patch: '' }, true)).toBe(1);
  });

  it('is for those whose roles say so', async () => {
    await expect(read('/metrics', as('system:authenticated'))).rejects.toThrow(
      'forbidden: User "someone" cannot get path "/metrics"',
    );
    expect((await read('/metrics', as('system:authenticated', 'system:monitoring'))).samples.length).toBeGreaterThan(
      50,
    );
  });

  it('names what it has in discovery', async () => {
    const { body } = await admin().transport.request<{ paths: string[] }>({ method: 'GET', path: '/' });
    expect(body.paths).toContain('/metrics');
  });

  it('sorts durations into buckets', async () => {
    const end = monitoring.begin(
      { method: 'GET', path: '/version', query: new URLSearchParams(), user: { name: '', groups: [] } },
      { type: 'nonResource', segments: ['version'] },
    );
    time = 70;
    end(200);
    const { value } = await read('/metrics');
    const labels = {
      verb: 'GET',
      group: '',
      version: '',
      resource: '',
      subresource: '',
      scope: '',
      component: 'apiserver',
    };
    const name = 'apiserver_request_duration_seconds';
    expect(value(`${name}_bucket`, { ...labels, le: '0.05' })).toBe(0);
    expect(value(`${name}_bucket`, { ...labels, le: '0.1' })).toBe(1);
    expect(value(`${name}_bucket`, { ...labels, le: '+Inf' })).toBe(1);
    expect(value(`${name}_sum`, labels)).toBe(0.07);
  });

  it('does not grow with names that clients make up', async () => {
    const client = admin();
    for (let index = 0; index < 50; index++) {
      await client.transport.request({ method: 'GET', path: `/apis/no.such/v1/things${index}` }).catch(() => {});
    }
    const { samples } = await read('/metrics');
    const requests = samples.filter(({ name }) => name === 'apiserver_request_total');
    expect(requests.filter(({ labels }) => labels.verb === 'OTHER')).toMatchObject([{ value: 50 }]);
  });

  it('tells of queues and of the scheduler', async () => {
    const queue = new WorkQueue(clock);
    queue.add('a');
    queue.add('b');
    await queue.take();
    await clock.advance(50);
    queue.done('a');
    const duration = new Histogram([0.001, 0.01]);
    duration.observe(0.005);
    monitoring.add(() => queueFamilies({ queues: () => [{ name: 'job', metrics: queue.metrics() }] }));
    monitoring.add(() =>
      schedulerFamilies({
        figures: () => ({
          pending: { active: 1, backoff: 0, unschedulable: 2 },
          attempts: [{ profile: 'default-scheduler', result: 'scheduled', duration }],
        }),
      }),
    );
    const { value } = await read('/metrics');
    expect(value('workqueue_depth', { name: 'job' })).toBe(1);
    expect(value('workqueue_adds_total', { name: 'job' })).toBe(2);
    expect(value('workqueue_work_duration_seconds_bucket', { name: 'job', le: '0.1' })).toBe(1);
    expect(value('scheduler_pending_pods', { queue: 'unschedulable' })).toBe(2);
    const attempt = { profile: 'default-scheduler', result: 'scheduled' };
    expect(value('scheduler_schedule_attempts_total', attempt)).toBe(1);
    expect(value('scheduler_scheduling_attempt_duration_seconds_bucket', { ...attempt, le: '0.001' })).toBe(0);
  });
});

describe('a node', () => {
  const base = '/api/v1/nodes/n/proxy';
  beforeEach(() => admin().create(resources.nodes, { metadata: { name: 'n' } }));

  it('tells what it and its pods use', async () => {
    const { value } = await read(`${base}/metrics/resource`);
    expect(value('node_cpu_usage_seconds_total')).toBe(3);
    expect(value('node_memory_working_set_bytes')).toBe(2 ** 20);
    expect(value('container_cpu_usage_seconds_total', { container: 'main', namespace: 'ns', pod: 'p' })).toBe(3);
    expect(value('pod_memory_working_set_bytes', { namespace: 'ns', pod: 'p' })).toBe(2 ** 20);
    expect((await read(`${base}/metrics`)).value('kubelet_running_pods')).toBe(1);
    expect((await read(`${base}/metrics/cadvisor`)).samples.map(({ name }) => name)).toContain(
      'container_memory_working_set_bytes',
    );
  });

  it('has a summary', async () => {
    const { body } = await admin().transport.request({ method: 'GET', path: `${base}/stats/summary` });
    expect(JSON.parse(body)).toMatchObject({
      node: { nodeName: 'n', cpu: { usageCoreNanoSeconds: 3e9 } },
      pods: [{ podRef: { name: 'p', namespace: 'ns', uid: 'u' }, containers: [{ name: 'main' }] }],
    });
  });

  it('has a summary of the volumes of pods that are too young to have been sampled', () => {
    const usage = { usedBytes: 10, capacityBytes: 40, timeMs: 0, namespace: 'ns', volume: 'v', claim: 'c' };
    const node = { name: 'n', node: undefined, containers: [], pods: [] };
    expect(summary(node, [{ ...usage, pod: 'new', uid: 'x' }])).toMatchObject({
      pods: [
        {
          podRef: { name: 'new', namespace: 'ns', uid: 'x' },
          volume: [{ name: 'v', usedBytes: 10, availableBytes: 30, pvcRef: { name: 'c', namespace: 'ns' } }],
        },
      ],
    });
  });

  it('tells it to those who may reach the node', async () => {
    await expect(read(`${base}/metrics`, as('system:authenticated'))).rejects.toThrow('nodes/proxy');
  });
});
