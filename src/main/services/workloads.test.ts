import type { ResultOf } from '@shared/bridge/contract';
import { beforeEach, describe, expect, it } from 'vitest';
import { startTestApi } from './test-api';
import { workloadMethods } from './workloads';

let api: Awaited<ReturnType<typeof startTestApi>>;
let methods: ReturnType<typeof workloadMethods>;
const context = { signal: new AbortController().signal };
const web = {
  cluster: 'gantry',
  resource: { group: 'apps', version: 'v1', plural: 'deployments' },
  namespace: 'default',
  name: 'web',
};
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const template = (image: string, hash?: string) => ({
  metadata: { labels: { app: 'web', ...(hash ? { 'pod-template-hash': hash } : {}) } },
  spec: { containers: [{ name: 'web', image }] },
});
const post = async (path: string, body: object) => (await api.transport.request({ method: 'POST', path, body })).body;
const live = async () => (await api.transport.request({ method: 'GET', path: `${deployments}/web` })).body;

beforeEach(async () => {
  api = await startTestApi();
  methods = workloadMethods({ transportFor: api.transportFor, clock: api.clock });
  const owner = await post(deployments, {
    metadata: {
      name: 'web',
      annotations: { 'deployment.kubernetes.io/revision': '3', 'kubernetes.io/change-cause': 'third' },
    },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template('web:3') },
  });
  for (const revision of [1, 2, 3]) {
    await post('/apis/apps/v1/namespaces/default/replicasets', {
      metadata: {
        name: `web-${revision}`,
        labels: { app: 'web' },
        annotations: {
          'deployment.kubernetes.io/revision': String(revision),
          'deployment.kubernetes.io/desired-replicas': '3',
          ...(revision === 1 ? {} : { 'kubernetes.io/change-cause': `change ${revision}` }),
        },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: owner.metadata.uid, controller: true },
        ],
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web', 'pod-template-hash': `h${revision}` } },
        template: template(`web:${revision}`, `h${revision}`),
      },
    });
  }
  await post('/apis/apps/v1/namespaces/default/replicasets', {
    metadata: { name: 'stranger', labels: { app: 'web' }, annotations: { 'deployment.kubernetes.io/revision': '9' } },
    spec: { selector: { matchLabels: { app: 'web' } }, template: template('x') },
  });
});

describe('workloads', () => {
  it('scale through the scale subresource', async () => {
    expect(await methods['workload.scale']({ ...web, replicas: 5 }, context)).toEqual({ replicas: 5 });
    expect((await live()).spec.replicas).toBe(5);
    await expect(methods['workload.scale']({ ...web, name: 'no', replicas: 1 }, context)).rejects.toMatchObject({
      code: 404,
    });
  });

  it('restart with the annotation that kubectl sets, and pause', async () => {
    await methods['workload.restart'](web, context);
    expect((await live()).spec.template.metadata.annotations).toEqual({
      'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z',
    });
    await methods['workload.pause']({ ...web, paused: true }, context);
    expect((await live()).spec.paused).toBe(true);
    await expect(methods['workload.restart'](web, context)).rejects.toThrow('paused');
    await expect(methods['workload.rollback']({ ...web, revision: 1, dryRun: false }, context)).rejects.toThrow(
      'paused',
    );
    await methods['workload.pause']({ ...web, paused: false }, context);
    expect((await live()).spec.paused ?? false).toBe(false);
  });

  it('show their own revisions, newest first, with image, cause and template', async () => {
    const revisions: ResultOf<'workload.revisions'> = await methods['workload.revisions'](web, context);
    expect(
      revisions.map(({ revision, name, images, current, changeCause }) => [
        revision,
        name,
        images,
        current,
        changeCause,
      ]),
    ).toEqual([
      [3, 'web-3', ['web:3'], true, 'change 3'],
      [2, 'web-2', ['web:2'], false, 'change 2'],
      [1, 'web-1', ['web:1'], false, undefined],
    ]);
    expect(revisions[1]!.template).toContain('image: web:2');
    expect(revisions[1]!.template).not.toContain('pod-template-hash');
  });

  it('roll back to the template and annotations of a revision; as a dry run nothing changes', async () => {
    const tried = await methods['workload.rollback']({ ...web, revision: 2, dryRun: true }, context);
    expect(tried.template).toContain('image: web:2');
    expect((await live()).spec.template.spec.containers[0].image).toBe('web:3');
    await methods['workload.rollback']({ ...web, revision: 2, dryRun: false }, context);
    const { metadata, spec } = await live();
    expect(spec.template.spec.containers[0].image).toBe('web:2');
    expect(spec.template.metadata.labels).toEqual({ app: 'web' });
    expect(metadata.annotations).toEqual({
      'deployment.kubernetes.io/revision': '3',
      'kubernetes.io/change-cause': 'change 2',
    });
    await expect(methods['workload.rollback']({ ...web, revision: 8, dryRun: false }, context)).rejects.toThrow(
      'revision 8',
    );
  });

  it('roll a StatefulSet back to what its ControllerRevision keeps', async () => {
    const sets = '/apis/apps/v1/namespaces/default/statefulsets';
    const owner = await post(sets, {
      metadata: { name: 'db' },
      spec: { replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'web' } }, template: template('db:2') },
    });
    for (const revision of [1, 2]) {
      await post('/apis/apps/v1/namespaces/default/controllerrevisions', {
        metadata: {
          name: `db-${revision}`,
          labels: { app: 'web' },
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: owner.metadata.uid, controller: true },
          ],
        },
        revision,
        data: { spec: { template: { ...template(`db:${revision}`), $patch: 'replace' } } },
      });
    }
    const db = { ...web, resource: { ...web.resource, plural: 'statefulsets' }, name: 'db' };
    const revisions = await methods['workload.revisions'](db, context);
    expect(revisions.map(({ revision, images, current }) => [revision, images, current])).toEqual([
      [2, ['db:2'], true],
      [1, ['db:1'], false],
    ]);
    await methods['workload.rollback']({ ...db, revision: 1, dryRun: false }, context);
    const { body } = await api.transport.request({ method: 'GET', path: `${sets}/db` });
    expect(body.spec.template.spec.containers).toMatchObject([{ name: 'web', image: 'db:1' }]);
  });

  it('suspend and resume a CronJob, and start a job from it as kubectl does', async () => {
    const cronJobs = '/apis/batch/v1/namespaces/default/cronjobs';
    const podSpec = { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a:1' }] };
    const jobTemplate = { metadata: { labels: { app: 'hello' } }, spec: { template: { spec: podSpec } } };
    const cron = await post(cronJobs, { metadata: { name: 'hello' }, spec: { schedule: '* * * * *', jobTemplate } });
    const hello = { ...web, resource: { group: 'batch', version: 'v1', plural: 'cronjobs' }, name: 'hello' };
    for (const suspended of [true, false]) {
      await methods['workload.suspend']({ ...hello, suspended }, context);
      expect((await api.transport.request({ method: 'GET', path: `${cronJobs}/hello` })).body.spec.suspend).toBe(
        suspended,
      );
    }
    const { name } = await methods['cronjob.trigger'](
      { cluster: 'gantry', namespace: 'default', name: 'hello' },
      context,
    );
    expect(name).toMatch(/^hello-manual-\w+$/);
    const path = `/apis/batch/v1/namespaces/default/jobs/${name}`;
    const { metadata, spec } = (await api.transport.request({ method: 'GET', path })).body;
    expect(metadata.annotations).toEqual({ 'cronjob.kubernetes.io/instantiate': 'manual' });
    expect(metadata.labels).toMatchObject({ app: 'hello' });
    expect(metadata.ownerReferences).toEqual([
      { apiVersion: 'batch/v1', kind: 'CronJob', name: 'hello', uid: cron.metadata.uid, controller: true },
    ]);
    expect(spec.template.spec.containers[0].image).toBe('a:1');
  });
});
