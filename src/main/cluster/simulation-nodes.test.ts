import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EndpointSlice, KubeObject, Node, Pod, PodDisruptionBudget } from '@shared/k8s';
import { startSimulation, template, type Simulation } from '../../../test/support/simulation';
import { ApiError } from './api/errors';
import { findCondition } from './client/conditions';
import { isNotFound } from './client/controller';
import { resources } from './client/resources';
import { isReady } from './controllers/pods';

// They take a few seconds, and longer on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cluster: Simulation;
beforeEach(async () => {
  cluster = await startSimulation(['node-a', 'node-b', 'node-c']);
});
afterEach(async () => {
  await cluster.stop();
  expect(cluster.problems.filter((line) => !line.includes('stopped posting its status'))).toEqual([]);
});

const workload = (name: string, spec: object) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, ...spec },
});
const deploy = (name: string, replicas: number, spec: object = {}, simulate: object = {}) =>
  cluster.create(
    resources.deployments,
    workload(name, { replicas, template: template(name, 'app:1', simulate, spec) }),
  );
const ready = async (app: string) => (await cluster.pods(`app=${app}`)).filter(isReady);
const allReady = (app: string, count: number, seconds?: number) =>
  cluster.until(
    () => ready(app),
    (pods) => pods.length === count,
    seconds,
  );
const nodesOf = (pods: readonly Pod[]) => [...new Set(pods.map(({ spec }) => spec!.nodeName))].sort();
const node = (name: string) => cluster.get<Node>(resources.nodes, name);
const taints = async (name: string) => ((await node(name)).spec?.taints ?? []).map(({ key }) => key);
const evict = (pod: Pod) =>
  cluster.client.createSubresource<KubeObject>(resources.pods, 'default', pod.metadata.name, 'eviction', {
    metadata: { name: pod.metadata.name, namespace: 'default' },
  });

describe('a node', () => {
  /** What kubectl drain does: cordon, then evict and ask again every 5 s while a budget forbids it. */
  const drain = async (name: string): Promise<number> => {
    await cluster.client.patch(resources.nodes, undefined, name, { spec: { unschedulable: true } });
    let refusals = 0;
    for (const pod of (await cluster.pods()).filter(({ spec }) => spec!.nodeName === name)) {
      for (;;) {
        try {
          await evict(pod);
          break;
        } catch (error) {
          if (!(error instanceof ApiError) || error.code !== 429) throw error;
          refusals++;
          await cluster.pass(5);
        }
      }
    }
    return refusals;
  };

  it('is drained within the disruption budget, and filled again', async () => {
    await deploy('web', 6, { terminationGracePeriodSeconds: 5 }, { startMs: 4000, stopMs: 2000 });
    await allReady('web', 6);
    await cluster.create(resources.podDisruptionBudgets, workload('web', { minAvailable: 5 }));
    await cluster.pass(1);
    let least = 6;
    const pods = cluster.informers.informer(resources.pods);
    const serving = () => pods.list('default').filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length;
    const stop = pods.on({ update: () => void (least = Math.min(least, serving())) });
    expect(await drain('node-a')).toBeGreaterThan(0);
    expect(least).toBe(5);
    stop();
    expect(nodesOf(await allReady('web', 6))).toEqual(['node-b', 'node-c']);
    expect(await taints('node-a')).toEqual(['node.kubernetes.io/unschedulable']);
    const budget = await cluster.get<PodDisruptionBudget>(resources.podDisruptionBudgets, 'web');
    expect(budget.status).toMatchObject({ currentHealthy: 6, desiredHealthy: 5, disruptionsAllowed: 1 });
    expect(budget.status!.disruptedPods).toBeUndefined();

    await cluster.client.patch(resources.nodes, undefined, 'node-a', { spec: { unschedulable: false } });
    await cluster.client.patch(resources.deployments, 'default', 'web', { spec: { replicas: 9 } });
    expect(nodesOf(await allReady('web', 9))).toContain('node-a');
    expect(await taints('node-a')).toEqual([]);
  });

  it('that hangs loses its pods after their toleration, and comes back clean', async () => {
    await deploy('web', 6);
    const seconds = [
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 20 },
    ];
    await deploy('hasty', 3, { tolerations: seconds });
    await cluster.create(resources.daemonSets, workload('agent', { template: template('agent') }));
    await allReady('web', 6);
    await allReady('hasty', 3);
    await allReady('agent', 3);
    await cluster.silence('node-b');
    await cluster.pass(50);
    expect(findCondition((await node('node-b')).status!.conditions, 'Ready')!.status).toBe('Unknown');
    expect(await taints('node-b')).toContain('node.kubernetes.io/unreachable');
    await cluster.pass(30);
    expect(nodesOf(await allReady('hasty', 3))).toEqual(['node-a', 'node-c']);
    expect(nodesOf(await cluster.pods('app=web'))).toContain('node-b');
    await cluster.pass(300);
    expect(nodesOf(await allReady('web', 6))).toEqual(['node-a', 'node-c']);
    const stuck = (await cluster.list<Pod>(resources.pods)).filter(({ metadata }) => metadata.deletionTimestamp);
    expect(nodesOf(stuck)).toEqual(['node-b']);
    // The daemon tolerates the taint for ever.
    expect((await cluster.pods('app=agent')).length).toBe(3);

    await cluster.join('node-b');
    await cluster.pass(60);
    expect(await taints('node-b')).toEqual([]);
    const pods = await cluster.list<Pod>(resources.pods);
    expect(pods.filter(({ metadata }) => metadata.deletionTimestamp)).toEqual([]);
    expect(pods.filter(isReady)).toHaveLength(12);
    expect(await cluster.orphans()).toBe(0);
  });

  it('that is declared out of service gives up its pods, names and all', async () => {
    const owned = { replicas: 3, serviceName: 'db', podManagementPolicy: 'Parallel', template: template('db') };
    await cluster.create(resources.statefulSets, workload('db', owned));
    await allReady('db', 3);
    await cluster.silence('node-c');
    await cluster.pass(400);
    expect(await ready('db')).toHaveLength(2);
    await cluster.edit<Node>(resources.nodes, 'node-c', (draft) => {
      draft.spec!.taints!.push({ key: 'node.kubernetes.io/out-of-service', value: 'off', effect: 'NoExecute' });
    });
    expect(nodesOf(await allReady('db', 3))).toEqual(['node-a', 'node-b']);
  });

  it('that is removed is no more, and neither are its pods', async () => {
    await deploy('web', 6);
    await allReady('web', 6);
    await cluster.leave('node-c');
    await cluster.pass(120);
    expect(nodesOf(await allReady('web', 6))).toEqual(['node-a', 'node-b']);
    expect(await cluster.list(resources.pods)).toHaveLength(6);
    await expect(cluster.get(resources.leases, 'node-c', 'kube-node-lease')).rejects.toMatchObject({ code: 404 });
  });
});

describe('what belongs together', () => {
  it('is deleted together, with its namespace', async () => {
    await cluster.create(resources.namespaces, { metadata: { name: 'team' } });
    const inTeam = (object: { metadata: object }) => ({
      ...object,
      metadata: { ...object.metadata, namespace: 'team' },
    });
    const job = {
      metadata: { name: 'job' },
      spec: { template: template('job', 'app:1', { runMs: null }, { restartPolicy: 'Never' }) },
    };
    await cluster.create(resources.deployments, inTeam(workload('web', { replicas: 3, template: template('web') })));
    await cluster.create(
      resources.statefulSets,
      inTeam(workload('db', { replicas: 2, serviceName: 'db', template: template('db') })),
    );
    await cluster.create(resources.daemonSets, inTeam(workload('agent', { template: template('agent') })));
    await cluster.create(resources.jobs, inTeam(job));
    await cluster.create(
      resources.services,
      inTeam({ metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } } as never),
    );
    await cluster.create(resources.podDisruptionBudgets, inTeam(workload('web', { maxUnavailable: 0 })));
    await cluster.until(
      () => cluster.list<Pod>(resources.pods, 'team'),
      (pods) => pods.filter(isReady).length === 9,
    );
    await cluster.client.delete(resources.namespaces, undefined, 'team');
    await cluster.until(
      () =>
        cluster.get(resources.namespaces, 'team').then(
          () => 'there',
          (error) => (isNotFound(error) ? 'gone' : error),
        ),
      (state) => state === 'gone',
      120,
    );
    const left = cluster.store.list('/registry/').items.filter(({ key }) => key.includes('/team/'));
    expect(left.map(({ key }) => key).filter((key) => !key.includes('/events/'))).toEqual([]);
    expect(await cluster.orphans()).toBe(0);
  });
});

describe('endpoints', () => {
  const serving = async () =>
    (await cluster.list<EndpointSlice>(resources.endpointSlices))
      .filter(({ metadata }) => metadata.labels!['kubernetes.io/service-name'] === 'web')
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions!.ready)
      .map(({ addresses }) => addresses[0])
      .sort();
  const addresses = async () => (await ready('web')).map(({ status }) => status!.podIP).sort();

  it('are those of the pods that are ready, whatever happens to them', async () => {
    await cluster.create(resources.services, {
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    const probed = template('web', 'app:1', { stages: [{ afterMs: 60_000, healthy: false }] });
    Object.assign(probed.spec.containers[0]!, {
      readinessProbe: { exec: { command: ['x'] }, periodSeconds: 5, failureThreshold: 1 },
    });
    await cluster.create(resources.deployments, workload('web', { replicas: 4, template: probed }));
    await allReady('web', 4);
    expect(await serving()).toEqual(await addresses());
    const [first, second] = await ready('web');
    await cluster.client.delete(resources.pods, 'default', first!.metadata.name);
    await cluster.kill(second!);
    await cluster.pass(20);
    expect(await serving()).toHaveLength(4);
    expect(await serving()).toEqual(await addresses());
    await cluster.until(serving, (list) => list.length === 0, 120);
  });
});
