import { beforeEach, describe, expect, it } from 'vitest';
import { drainMethods } from './drain';
import { createTaskBoard, type TaskBoard } from './tasks';
import { startTestApi } from './test-api';

let api: Awaited<ReturnType<typeof startTestApi>>;
let tasks: TaskBoard;
let methods: ReturnType<typeof drainMethods>;
const context = { signal: new AbortController().signal };
const pods = '/api/v1/namespaces/default/pods';
const options = { cluster: 'gantry', name: 'one', force: false, deleteEmptyDirData: false };

const post = (path: string, body: object) => api.transport.request({ method: 'POST', path, body });
const get = async (path: string) => (await api.transport.request({ method: 'GET', path })).body;
const names = async () => (await get(pods)).items.map((pod: any) => pod.metadata.name);
async function pod(name: string, owner?: string, ready = true): Promise<void> {
  const ownerReferences = owner
    ? [{ apiVersion: 'apps/v1', kind: owner, name: 'x', uid: `uid-${owner}`, controller: true }]
    : undefined;
  await post(pods, {
    metadata: { name, labels: { app: 'web' }, ownerReferences },
    spec: { nodeName: 'one', terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image: 'web:1' }] },
  });
  const status = { phase: 'Running', conditions: ready ? [{ type: 'Ready', status: 'True' }] : [] };
  await api.transport.request({
    method: 'PATCH',
    path: `${pods}/${name}/status`,
    contentType: 'application/merge-patch+json',
    body: { status },
  });
}

beforeEach(async () => {
  api = await startTestApi();
  tasks = createTaskBoard({ list: () => [], onChange: () => () => {}, cancel: () => false }, api.clock);
  methods = drainMethods({ transportFor: api.transportFor, tasks, clock: api.clock });
  await post('/api/v1/nodes', { metadata: { name: 'one' } });
});

describe('draining a node', () => {
  it('cordons it, evicts what comes back elsewhere and leaves DaemonSets alone', async () => {
    await pod('web-1', 'ReplicaSet');
    await pod('web-2', 'ReplicaSet');
    await pod('agent', 'DaemonSet');
    await methods['node.drain'](options, context);
    await api.clock.advance(2000);
    expect((await get('/api/v1/nodes/one')).spec.unschedulable).toBe(true);
    expect(await names()).toEqual(['agent']);
    expect(tasks.list()).toMatchObject([{ title: 'Draining node one', state: 'done', detail: '2 of 2 pods gone' }]);
  });

  it('evicts nothing while an option is missing for one pod', async () => {
    await pod('web-1', 'ReplicaSet');
    await pod('alone');
    await expect(methods['node.drain'](options, context)).rejects.toThrow('default/alone has no controller');
    expect(await names()).toEqual(['alone', 'web-1']);
    expect(tasks.list()).toEqual([]);
    await methods['node.drain']({ ...options, force: true }, context);
    await api.clock.advance(2000);
    expect(await names()).toEqual([]);
  });

  it('waits for disruption budgets, says so, and can be cancelled', async () => {
    await pod('web-1', 'ReplicaSet');
    await post('/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
      metadata: { name: 'web' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    });
    await methods['node.drain'](options, context);
    await api.clock.advance(6000);
    const [task] = tasks.list();
    expect(task).toMatchObject({ state: 'running', cancellable: true });
    expect(task?.detail).toMatch(/0 of 1 pods gone\. default\/web-1: .*disruption budget/);
    await expect(
      methods['pod.evict']({ cluster: 'gantry', namespace: 'default', name: 'web-1' }, context),
    ).rejects.toMatchObject({ code: 'TooManyRequests' });
    tasks.cancel(task!.id);
    await api.clock.advance(20_000);
    expect(tasks.list()).toMatchObject([{ state: 'cancelled' }]);
    expect(await names()).toEqual(['web-1']);
  });
});
