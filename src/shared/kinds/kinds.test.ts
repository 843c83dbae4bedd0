import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kindView, kindViewOf, kindViews } from './index';
import { projectRow } from './project';
import type { KubeObject } from '../k8s';

const meta = (extra = {}) => ({
  name: 'web',
  namespace: 'demo',
  uid: 'u1',
  resourceVersion: '7',
  creationTimestamp: '2026-01-01T00:00:00Z',
  ...extra,
});
const row = (id: string, object: KubeObject) => projectRow(kindView(id)!, object);

describe('kind views', () => {
  it('have unique ids, column ids and at most one flexible column', () => {
    expect(new Set(kindViews.map((view) => view.id)).size).toBe(kindViews.length);
    for (const view of kindViews) {
      const ids = view.columns.map((column) => column.id);
      expect(new Set(ids).size, view.id).toBe(ids.length);
      expect(view.columns.filter((column) => column.flex).length, view.id).toBeLessThanOrEqual(1);
    }
  });

  it('call an init container at work busy, and a sidecar that is not ready by its name', () => {
    const running = (name: string) => ({ name, ready: false, restartCount: 0, state: { running: {} } });
    const { cells } = row('pods', {
      metadata: meta(),
      spec: {
        initContainers: [{ name: 'prepare' }, { name: 'proxy', restartPolicy: 'Always' }],
        containers: [{ name: 'web' }],
      },
      status: { initContainerStatuses: [running('prepare'), running('proxy')] },
    });
    expect(cells['containers']).toMatchObject([
      { text: 'prepare', tone: 'busy' },
      { text: 'proxy', tone: 'warn' },
      { text: 'web', tone: 'neutral' },
    ]);
  });

  it('tell how long a job took, until when it failed, or since when it runs', () => {
    const took = (status: object) => row('jobs', { metadata: meta(), status }).cells['duration'];
    const startTime = '2026-01-01T00:00:00Z';
    expect(took({})).toBeNull();
    expect(took({ startTime })).toBe(startTime);
    expect(took({ startTime, completionTime: '2026-01-01T00:00:05Z' })).toBe(5000);
    const failed = { type: 'Failed', status: 'True', lastTransitionTime: '2026-01-01T00:01:00Z' };
    expect(took({ startTime, conditions: [failed] })).toBe(60_000);
  });

  it('project an object that has only metadata', () => {
    for (const view of kindViews) expect(() => row(view.id, { metadata: meta() }), view.id).not.toThrow();
  });

  it('carry templates of their own kind', () => {
    for (const view of kindViews.filter((candidate) => candidate.template)) {
      const object = parse(view.template!);
      expect(kindViewOf(object.apiVersion, object.kind)).toBe(view);
    }
  });
});

describe('deployments', () => {
  const deployment = (spec: object, status: object, extra = {}) =>
    row('deployments', { metadata: meta({ generation: 2, ...extra }), spec: { replicas: 3, ...spec }, status }).status;
  const done = { observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };

  it('are available when the rollout is complete', () => {
    expect(deployment({}, done)).toEqual({ text: 'Available', tone: 'ok' });
  });
  it('progress while old pods remain or the generation is not seen', () => {
    expect(deployment({}, { ...done, replicas: 4 })?.text).toBe('Progressing');
    expect(deployment({}, { ...done, observedGeneration: 1 })?.text).toBe('Progressing');
  });
  it('say when they are stalled, paused or empty', () => {
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'late' }];
    expect(deployment({}, { ...done, conditions })).toEqual({ text: 'Stalled', tone: 'error', detail: 'late' });
    expect(deployment({ paused: true }, done)?.text).toBe('Paused');
    expect(deployment({ replicas: 0 }, { observedGeneration: 2 })?.tone).toBe('off');
  });
});

describe('pods', () => {
  it('show the reason of a waiting container', () => {
    const projected = row('pods', {
      metadata: meta(),
      spec: { containers: [{ name: 'app', image: 'nope:1' }] },
      status: {
        phase: 'Pending',
        containerStatuses: [
          {
            name: 'app',
            ready: false,
            restartCount: 0,
            state: { waiting: { reason: 'ImagePullBackOff', message: 'no such tag' } },
          },
        ],
      },
    });
    expect(projected.status).toEqual({ text: 'ImagePullBackOff', tone: 'error', detail: 'app: no such tag' });
    expect(projected.cells['containers']).toEqual([{ text: 'app', tone: 'error', detail: 'ImagePullBackOff' }]);
    expect(projected.cells['readyOf']).toBe('0/1');
    expect(projected.search).toContain('nope:1');
  });

  it('show the scheduler’s words while pending', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }];
    const projected = row('pods', { metadata: meta(), spec: {}, status: { phase: 'Pending', conditions } });
    expect(projected.status).toEqual({ text: 'Pending', tone: 'busy', detail: '0/1 nodes are available' });
  });
});

describe('admission', () => {
  it('tells where webhooks are asked and what their failure means', () => {
    const webhooks = [
      { name: 'a', clientConfig: { service: { namespace: 'policy', name: 'server', path: '/validate' } } },
      { name: 'b', clientConfig: { url: 'https://policy.example.com' }, failurePolicy: 'Ignore' },
      { name: 'c', clientConfig: { url: 'https://policy.example.com' }, failurePolicy: 'Ignore' },
    ];
    const { cells } = row('validatingwebhookconfigurations', { metadata: meta(), webhooks });
    expect(cells).toMatchObject({ webhooks: 3, onFailure: ['Fail', 'Ignore'] });
    expect((cells['services'] as string[])[0]).toBe('policy/server/validate');
  });

  it('tells what is wrong with the expressions of a policy', () => {
    const tell = (status: object) => row('validatingadmissionpolicies', { metadata: meta(), status }).status;
    const expressionWarnings = [{ fieldRef: 'spec.validations[0].expression', warning: 'no such key' }];
    expect(tell({ observedGeneration: 1, typeChecking: { expressionWarnings } })).toEqual({
      text: 'Has warnings',
      tone: 'warn',
      detail: 'spec.validations[0].expression: no such key',
    });
    expect(tell({ observedGeneration: 1, typeChecking: {} })?.text).toBe('Checked');
    expect(tell({})?.text).toBe('Not checked');
  });
});

describe('secrets', () => {
  it('let no value out', () => {
    const projected = row('secrets', { metadata: meta(), type: 'Opaque', data: { password: 'aHVudGVyMg==' } });
    expect(JSON.stringify(projected)).not.toContain('aHVudGVyMg');
    expect(projected.cells['keys']).toEqual(['password']);
  });
});

describe('nodes', () => {
  const node = (conditions: object[], spec = {}) =>
    row('nodes', { metadata: meta(), spec, status: { conditions } }).status;
  it('tell readiness, pressure and cordon', () => {
    const ready = { type: 'Ready', status: 'True' };
    expect(node([ready])?.tone).toBe('ok');
    expect(node([ready], { unschedulable: true })?.text).toBe('Ready, cordoned');
    expect(node([ready, { type: 'DiskPressure', status: 'True' }])?.text).toBe('DiskPressure');
    expect(node([{ type: 'Ready', status: 'Unknown', message: 'gone' }])).toEqual({
      text: 'NotReady',
      tone: 'error',
      detail: 'gone',
    });
  });
});

describe('workloads of other controllers', () => {
  const statusOf = (id: string, spec: object, status: object = {}) =>
    row(id, { metadata: meta({ generation: 2 }), spec, status }).status;

  it('StatefulSets are ready when every pod is, and updated', () => {
    const done = { observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 2 };
    expect(statusOf('statefulsets', { replicas: 2 }, done)).toEqual({ text: 'Ready', tone: 'ok' });
    expect(statusOf('statefulsets', { replicas: 2 }, { ...done, updatedReplicas: 1 })?.tone).toBe('busy');
    const onDelete = { replicas: 2, updateStrategy: { type: 'OnDelete' } };
    expect(statusOf('statefulsets', onDelete, { ...done, updatedReplicas: 1 })?.text).toBe('Ready');
    expect(statusOf('statefulsets', { replicas: 0 })?.tone).toBe('off');
  });

  it('DaemonSets count nodes', () => {
    const done = { observedGeneration: 2, desiredNumberScheduled: 3, numberReady: 3, updatedNumberScheduled: 3 };
    expect(statusOf('daemonsets', {}, done)?.text).toBe('Ready');
    expect(statusOf('daemonsets', {}, { ...done, numberReady: 1 })?.detail).toBe('1 of 3 pods ready, 3 updated');
    expect(statusOf('daemonsets', {}, { observedGeneration: 2 })?.text).toBe('No nodes');
  });

  it('Jobs tell how they ended', () => {
    const ended = (type: string) => ({ conditions: [{ type, status: 'True', message: 'too often' }] });
    expect(statusOf('jobs', {}, ended('Complete'))?.tone).toBe('ok');
    expect(statusOf('jobs', {}, ended('Failed'))).toEqual({ text: 'Failed', tone: 'error', detail: 'too often' });
    expect(statusOf('jobs', { suspend: true })?.text).toBe('Suspended');
    expect(statusOf('jobs', {}, { active: 1 })?.text).toBe('Running');
    expect(statusOf('cronjobs', { suspend: true })?.text).toBe('Suspended');
  });
});

describe('cells of the other kinds', () => {
  const cells = (id: string, object: KubeObject) => row(id, { metadata: meta(), ...object }).cells;

  it('say what kubectl says in short', () => {
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '30' } } },
    ];
    const scaleTargetRef = { kind: 'Deployment', name: 'web' };
    const status = {
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } }],
    };
    expect(
      cells('horizontalpodautoscalers', { spec: { metrics, scaleTargetRef, maxReplicas: 5 }, status }),
    ).toMatchObject({
      reference: 'Deployment/web',
      targets: ['cpu 40%/80%', 'queue <unknown>/30'],
      minPods: 1,
      maxPods: 5,
    });
    const paths = [{ path: '/cart', backend: { service: { name: 'cart', port: { number: 80 } } } }];
    expect(cells('ingresses', { spec: { rules: [{ host: 'shop.example', http: { paths } }] } })).toMatchObject({
      hosts: ['shop.example'],
      routes: ['shop.example/cart → cart:80'],
    });
    const quota = { hard: { pods: '5', 'limits.cpu': '2' }, used: { pods: '1' } };
    expect(cells('resourcequotas', { status: quota })).toEqual({ requests: ['pods 1/5'], limits: ['limits.cpu 0/2'] });
    const subjects = [
      { kind: 'ServiceAccount', name: 'ci', namespace: 'demo' },
      { kind: 'User', name: 'jane' },
    ];
    expect(cells('rolebindings', { roleRef: { kind: 'Role', name: 'r' }, subjects })).toEqual({
      role: 'Role/r',
      subjects: ['demo/ci', 'jane'],
    });
    expect(cells('persistentvolumeclaims', { spec: { accessModes: ['ReadWriteOnce'] } })['accessModes']).toBe('RWO');
  });
});
