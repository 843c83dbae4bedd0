import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment, Pod, ReplicaSet } from '@shared/k8s';
import { startSimulation, template, type Simulation } from '../../../test/support/simulation';
import { findCondition } from './client/conditions';
import { resources } from './client/resources';
import { isReady } from './controllers/pods';

let cluster: Simulation;
beforeEach(async () => {
  cluster = await startSimulation(['node-a', 'node-b']);
});
afterEach(async () => {
  await cluster.stop();
  expect(cluster.problems).toEqual([]);
});

const probe = { readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 } };
const readyPods = async (app: string) => (await cluster.pods(`app=${app}`)).filter(isReady);
const images = (pods: readonly Pod[]) => pods.map(({ spec }) => spec!.containers[0]!.image).sort();
const workload = (name: string, spec: object) => ({
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, ...spec },
});

describe('a Deployment', () => {
  const web = (image: string, simulate?: object) => {
    const made = template('web', image, simulate);
    return { ...made, spec: { containers: [{ ...made.spec.containers[0]!, ...probe }] } };
  };
  const get = () => cluster.get<Deployment>(resources.deployments, 'web');
  const sets = async () =>
    Object.fromEntries(
      (await cluster.list<ReplicaSet>(resources.replicaSets)).map(({ spec }) => [
        spec!.template!.spec!.containers[0]!.image,
        spec!.replicas,
      ]),
    );
  const settled = (image: string, replicas = 4) =>
    cluster.until(
      () => readyPods('web'),
      (pods) => images(pods).join() === Array(replicas).fill(image).join(),
    );

  it('rolls out without a gap, stalls on what does not come up, goes back, scales and leaves nothing behind', async () => {
    await cluster.create(
      resources.deployments,
      workload('web', { replicas: 4, template: web('web:1'), progressDeadlineSeconds: 30 }),
    );
    await settled('web:1');
    expect(new Set((await cluster.pods()).map(({ spec }) => spec!.nodeName)).size).toBe(2);

    let least = 4;
    const watch = cluster.informers.informer(resources.pods).on({
      update: () =>
        void (least = Math.min(
          least,
          cluster.informers
            .informer(resources.pods)
            .list('default')
            .filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length,
        )),
    });
    await cluster.edit<Deployment>(
      resources.deployments,
      'web',
      (draft) => void (draft.spec!.template = web('web:2') as never),
    );
    await settled('web:2');
    watch();
    expect(least).toBeGreaterThanOrEqual(3);
    expect(await sets()).toEqual({ 'web:1': 0, 'web:2': 4 });

    await cluster.edit<Deployment>(
      resources.deployments,
      'web',
      (draft) => void (draft.spec!.template = web('web:3', { healthy: false }) as never),
    );
    await cluster.until(
      get,
      ({ status }) => findCondition(status!.conditions, 'Progressing')?.reason === 'ProgressDeadlineExceeded',
    );
    expect((await readyPods('web')).length).toBeGreaterThanOrEqual(3);
    await cluster.edit<Deployment>(
      resources.deployments,
      'web',
      (draft) => void (draft.spec!.template = web('web:1') as never),
    );
    await settled('web:1');
    expect((await get()).metadata.annotations!['deployment.kubernetes.io/revision']).toBe('4');

    await cluster.client.patch(resources.deployments, 'default', 'web', { spec: { replicas: 7 } });
    await settled('web:1', 7);
    await cluster.client.delete(resources.deployments, 'default', 'web', { propagationPolicy: 'Foreground' });
    await cluster.pass(60);
    expect(await cluster.list(resources.replicaSets)).toEqual([]);
    expect(await cluster.list(resources.pods)).toEqual([]);
    expect(await cluster.orphans()).toBe(0);
  });
});
