import { describe, expect, it } from 'vitest';
import { deploymentBody } from '../../cluster/apiserver/testing';
import { createTestKubectl } from '../testing';
import { rollbackPatch, rollbackTarget, type Revision, type Workload } from './history';
import { rolloutState } from './status';

const deployment = (spec: object, status: object, generation = 1): any => ({
  kind: 'Deployment',
  metadata: { name: 'web', generation, annotations: { 'deployment.kubernetes.io/revision': '2' } },
  spec: { replicas: 3, ...spec },
  status: { observedGeneration: 1, ...status },
});

describe('rolloutState', () => {
  it.each([
    [deployment({}, {}, 2), 'Waiting for deployment spec update to be observed...'],
    [
      deployment({}, { updatedReplicas: 1 }),
      'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
    ],
    [
      deployment({}, { updatedReplicas: 3, replicas: 4 }),
      'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
    ],
    [
      deployment({}, { updatedReplicas: 3, replicas: 3, availableReplicas: 2 }),
      'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
    ],
    [
      deployment({}, { updatedReplicas: 3, replicas: 3, availableReplicas: 3 }),
      'deployment "web" successfully rolled out',
    ],
  ])('%#', (object, message) => {
    expect(rolloutState(object).message).toBe(message);
  });

  it('ends with an error when the deadline passed or another revision runs', () => {
    const late = deployment(
      {},
      { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] },
    );
    expect(() => rolloutState(late)).toThrow('deployment "web" exceeded its progress deadline');
    expect(() => rolloutState(late, 1)).toThrow('desired revision (1) is different from the running revision (2)');
  });
});

const template = (image: string, hash: string): any => ({
  metadata: { labels: { app: 'web', 'pod-template-hash': hash } },
  spec: { containers: [{ name: 'main', image }] },
});
const revision = (number: number, image: string): Revision => ({
  number,
  changeCause: '<none>',
  template: template(image, `h${number}`),
  source: { metadata: { annotations: { 'deployment.kubernetes.io/revision': String(number), why: `r${number}` } } },
});

describe('rolling back', () => {
  const workload = {
    kind: 'Deployment',
    metadata: { name: 'web', annotations: { 'deployment.kubernetes.io/revision': '2', why: 'now' } },
    spec: {
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'x:2' }] } },
    },
  } as unknown as Workload;
  const history = [revision(1, 'x:1'), revision(2, 'x:2')];

  it('goes to the one before, or the one asked for', () => {
    expect(rollbackTarget(workload, history, 0).number).toBe(1);
    expect(rollbackTarget(workload, history, 2).number).toBe(2);
    expect(() => rollbackTarget(workload, history, 9)).toThrow('unable to find specified revision 9 in history');
    expect(() => rollbackTarget(workload, history.slice(1), 0)).toThrow(
      'no rollout history found for deployment "web"',
    );
  });

  it('brings back the template without its hash, and the annotations of that time', () => {
    expect(rollbackPatch(workload, history[1]!)).toBeUndefined();
    expect(rollbackPatch(workload, history[0]!)).toEqual([
      {
        op: 'replace',
        path: '/spec/template',
        value: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'x:1' }] } },
      },
      { op: 'replace', path: '/metadata/annotations', value: { why: 'r1', 'deployment.kubernetes.io/revision': '2' } },
    ]);
  });

  it('shows history and rolls back on a server', async () => {
    const { kubectl, send } = await createTestKubectl();
    const apps = '/apis/apps/v1/namespaces/default';
    const { body: owner } = await send('POST', `${apps}/deployments`, { body: deploymentBody('web') });
    for (const [number, image] of [
      [1, 'busybox:1'],
      [2, 'busybox'],
    ] as const) {
      const { spec } = deploymentBody('web');
      await send('POST', `${apps}/replicasets`, {
        body: {
          metadata: {
            name: `web-${number}`,
            labels: { app: 'web' },
            annotations: {
              'deployment.kubernetes.io/revision': String(number),
              'kubernetes.io/change-cause': `image ${image}`,
            },
            ownerReferences: [
              { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: owner.metadata.uid, controller: true },
            ],
          },
          spec: { ...spec, template: { ...spec.template, spec: { containers: [{ name: 'main', image }] } } },
        },
      });
    }
    expect((await kubectl('rollout history deploy/web')).out).toBe(
      'deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         image busybox:1\n2         image busybox\n\n',
    );
    expect((await kubectl('rollout history deploy/web --revision=1')).out).toContain('    Image:\tbusybox:1\n');
    expect((await kubectl('rollout history deploy/web --revision=7')).err).toBe(
      'error: unable to find the specified revision\n',
    );
    expect((await kubectl('rollout undo deploy/web')).out).toBe('deployment.apps/web rolled back\n');
    expect((await kubectl('get deploy web -o jsonpath={..image}')).out).toBe('busybox:1');
  });
});
