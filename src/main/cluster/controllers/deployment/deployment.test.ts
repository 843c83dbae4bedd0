import type { Deployment, Pod, ReplicaSet } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentManifest, startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { forbidden } from '../../api/errors';
import { findCondition } from '../../client/conditions';
import { resources } from '../../client/resources';
import { isReady } from '../pods';
import { templateHash } from './template';

let bed: Testbed;
beforeEach(async () => {
  bed = await startTestbed();
});
afterEach(() => bed.stop());

const create = (manifest: object) => bed.client.create<Deployment>(resources.deployments, manifest);
const get = (name = 'web') => bed.client.get(resources.deployments, 'default', name);
const sets = async () => (await bed.client.list(resources.replicaSets, 'default')).items;
const pods = async () => (await bed.client.list(resources.pods, 'default')).items;
const setOf = async (image: string) =>
  (await sets()).find((set) => set.spec!.template!.spec!.containers[0]!.image === image)!;
const edit = (change: (draft: Deployment) => void) => bed.edit<Deployment>(resources.deployments, 'web', change);
const setImage = (image: string) => edit((draft) => void (draft.spec!.template.spec!.containers[0]!.image = image));
const revision = (object: Deployment | ReplicaSet) =>
  object.metadata.annotations?.['deployment.kubernetes.io/revision'];
const condition = (deployment: Deployment, type: string) => findCondition(deployment.status?.conditions, type);

/** Every state the cluster went through: pods wanted by all ReplicaSets, and pods that serve. */
function watchSizes() {
  const wanted = new Map<string, number>();
  const serving = new Map<string, boolean>();
  const seen = { most: 0, leastServing: Infinity };
  const look = () => {
    seen.most = Math.max(
      seen.most,
      [...wanted.values()].reduce((total, size) => total + size, 0),
    );
    seen.leastServing = Math.min(seen.leastServing, [...serving.values()].filter(Boolean).length);
  };
  const watch = bed.store.watch('/registry/', bed.store.revision, (event) => {
    const gone = event.type === 'DELETE';
    const object = event.object.value;
    if (object.kind === 'ReplicaSet') wanted.set(event.key, gone ? 0 : object.spec.replicas);
    else if (object.kind === 'Pod') {
      serving.set(event.key, !gone && !object.metadata!.deletionTimestamp && isReady(object as Pod));
    } else return;
    look();
  });
  return {
    seen,
    /** Takes over what is there now, before the change to be observed. */
    async begin() {
      for (const set of await sets())
        wanted.set(`/registry/apps/replicasets/default/${set.metadata.name}`, set.spec!.replicas!);
      for (const pod of await pods()) serving.set(`/registry/core/pods/default/${pod.metadata.name}`, isReady(pod));
      seen.most = 0;
      seen.leastServing = Infinity;
      look();
    },
    close: () => watch.close(),
  };
}

describe('a new Deployment', () => {
  it('makes a ReplicaSet with its pods and reports on them', async () => {
    await create(deploymentManifest('web', 3));
    await bed.settle();
    let deployment = await get();
    expect(deployment.status).toMatchObject({ observedGeneration: 1, replicas: 3, unavailableReplicas: 3 });
    expect(condition(deployment, 'Available')).toMatchObject({
      status: 'False',
      reason: 'MinimumReplicasUnavailable',
      message: 'Deployment does not have minimum availability.',
    });
    const [set] = await sets();
    expect(set!.metadata).toMatchObject({
      name: `web-${set!.metadata.labels!['pod-template-hash']}`,
      annotations: {
        'deployment.kubernetes.io/revision': '1',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
      ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true, blockOwnerDeletion: true }],
    });
    for (const pod of await pods()) await bed.run(pod);
    await bed.settle();
    deployment = await get();
    expect(deployment.status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    });
    expect(deployment.status).not.toHaveProperty('unavailableReplicas');
    expect(condition(deployment, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(condition(deployment, 'Progressing')).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${set!.metadata.name}" has successfully progressed.`,
    });
    expect(revision(deployment)).toBe('1');
    expect(await bed.events('web')).toEqual([
      `ScalingReplicaSet: Scaled up replica set ${set!.metadata.name} from 0 to 3`,
    ]);
    expect(bed.problems).toEqual([]);
  });

  it('replaces a pod that is deleted', async () => {
    bed.play();
    await create(deploymentManifest('web', 2));
    await bed.settle();
    const before = await pods();
    await bed.client.delete(resources.pods, 'default', before[0]!.metadata.name);
    await bed.settle();
    const after = (await pods()).map((pod) => pod.metadata.name);
    expect(after).toHaveLength(2);
    expect(after).not.toContain(before[0]!.metadata.name);
    expect(after).toContain(before[1]!.metadata.name);
  });

  it('says why it cannot make pods', async () => {
    bed.intercept = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/pods')) throw forbidden({ plural: 'pods' }, '', 'exceeded quota: q');
    };
    await create(deploymentManifest('web', 2));
    await bed.settle();
    expect(condition(await get(), 'ReplicaFailure')).toMatchObject({
      status: 'True',
      reason: 'FailedCreate',
      message: 'pods is forbidden: exceeded quota: q',
    });
    const [set] = await sets();
    expect(await bed.events(set!.metadata.name)).toEqual([
      'FailedCreate: Error creating: pods is forbidden: exceeded quota: q',
    ]);
    bed.intercept = undefined;
    await bed.advance(60_000);
    expect(await pods()).toHaveLength(2);
    expect(condition(await get(), 'ReplicaFailure')).toBeUndefined();
  });

  it('takes another name when its own belongs to something else', async () => {
    await create(deploymentManifest('web', 1, 'web:1', { paused: true }));
    await bed.settle();
    const { namespace, name } = (await get()).metadata;
    const hash = templateHash((await get()).spec!.template);
    const template = { metadata: { labels: { other: 'x' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
    const spec = { replicas: 0, selector: { matchLabels: { other: 'x' } }, template };
    await bed.client.create(resources.replicaSets, { metadata: { name: `${name}-${hash}`, namespace }, spec });
    await edit((draft) => void (draft.spec!.paused = false));
    await bed.advance(1000);
    expect((await get()).status!.collisionCount).toBe(1);
    const own = await setOf('web:1');
    expect(own.metadata.name).not.toBe(`${name}-${hash}`);
    expect(own.spec!.replicas).toBe(1);
  });
});

describe('a rolling update', () => {
  it.each([
    { surge: 1, unavailable: 0, most: 5, least: 4 },
    { surge: 0, unavailable: 1, most: 4, least: 3 },
    { surge: '25%', unavailable: '25%', most: 5, least: 3 },
    { surge: '100%', unavailable: 0, most: 8, least: 4 },
  ])(
    'keeps within surge $surge and unavailable $unavailable at every step',
    async ({ surge, unavailable, most, least }) => {
      bed.play();
      const rollingUpdate = { maxSurge: surge, maxUnavailable: unavailable };
      await create(deploymentManifest('web', 4, 'web:1', { strategy: { type: 'RollingUpdate', rollingUpdate } }));
      await bed.settle();
      const sizes = watchSizes();
      await sizes.begin();
      await setImage('web:2');
      await bed.settle();
      sizes.close();
      expect(sizes.seen.most).toBeLessThanOrEqual(most);
      expect(sizes.seen.leastServing).toBeGreaterThanOrEqual(least);
      expect((await pods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(4).fill('web:2'));
      expect((await get()).status).toMatchObject({ replicas: 4, updatedReplicas: 4, availableReplicas: 4 });
      expect(revision(await get())).toBe('2');
      expect((await setOf('web:1')).spec!.replicas).toBe(0);
      expect(bed.problems).toEqual([]);
    },
  );

  it('keeps the old pods while the new ones do not come up, and says when it took too long', async () => {
    bed.play((pod) => pod.spec!.containers[0]!.image !== 'web:broken');
    await create(deploymentManifest('web', 4, 'web:1', { progressDeadlineSeconds: 60 }));
    await bed.settle();
    await setImage('web:broken');
    await bed.settle();
    expect((await setOf('web:1')).spec!.replicas).toBe(3);
    expect((await setOf('web:broken')).spec!.replicas).toBe(2);
    expect(condition(await get(), 'Available')!.status).toBe('True');
    expect(condition(await get(), 'Progressing')!.reason).toBe('ReplicaSetUpdated');
    await bed.advance(62_000);
    expect(condition(await get(), 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${(await setOf('web:broken')).metadata.name}" has timed out progressing.`,
    });
  });

  it('waits for pods to stay ready for minReadySeconds', async () => {
    bed.play();
    await create(deploymentManifest('web', 2, 'web:1', { minReadySeconds: 10 }));
    await bed.settle();
    expect((await get()).status).toMatchObject({ readyReplicas: 2, unavailableReplicas: 2 });
    await bed.advance(9000);
    expect((await get()).status!.availableReplicas).toBeUndefined();
    await bed.advance(1000);
    expect((await get()).status!.availableReplicas).toBe(2);
  });

  it('goes back to a former template by its ReplicaSet, under a new revision', async () => {
    bed.play();
    await create(deploymentManifest('web', 3));
    await bed.settle();
    const first = await setOf('web:1');
    await setImage('web:2');
    await bed.settle();
    // What kubectl rollout undo does: the template of the old set without its hash.
    const template = structuredClone(first.spec!.template!);
    delete template.metadata!.labels!['pod-template-hash'];
    await bed.client.patch(
      resources.deployments,
      'default',
      'web',
      [{ op: 'replace', path: '/spec/template', value: template }],
      {
        type: 'json',
      },
    );
    await bed.settle();
    expect(await sets()).toHaveLength(2);
    const again = await setOf('web:1');
    expect(again.metadata.uid).toBe(first.metadata.uid);
    expect(again.spec!.replicas).toBe(3);
    expect(revision(again)).toBe('3');
    expect(again.metadata.annotations!['deployment.kubernetes.io/revision-history']).toBe('1');
    expect(revision(await setOf('web:2'))).toBe('2');
    expect(revision(await get())).toBe('3');
  });

  it('copies the change cause and forgets revisions beyond the limit', async () => {
    bed.play();
    await create(deploymentManifest('web', 1, 'web:1', { revisionHistoryLimit: 1 }));
    await bed.settle();
    for (const image of ['web:2', 'web:3', 'web:4']) {
      await edit((draft) => {
        draft.metadata.annotations = { ...draft.metadata.annotations, 'kubernetes.io/change-cause': `use ${image}` };
        draft.spec!.template.spec!.containers[0]!.image = image;
      });
      await bed.settle();
    }
    const left = await sets();
    expect(left.map(revision).sort()).toEqual(['3', '4']);
    expect((await setOf('web:4')).metadata.annotations!['kubernetes.io/change-cause']).toBe('use web:4');
    expect((await setOf('web:3')).metadata.annotations!['kubernetes.io/change-cause']).toBe('use web:3');
  });
});

describe('scaling', () => {
  it('follows the Deployment and takes back what was done to the ReplicaSet by hand', async () => {
    bed.play();
    await create(deploymentManifest('web', 3));
    await bed.settle();
    await bed.client.patch(
      resources.deployments,
      'default',
      'web',
      { spec: { replicas: 5 } },
      { subresource: 'scale' },
    );
    await bed.settle();
    expect(await pods()).toHaveLength(5);
    const set = await setOf('web:1');
    expect(set.metadata.annotations!['deployment.kubernetes.io/desired-replicas']).toBe('5');
    await bed.client.patch(resources.replicaSets, 'default', set.metadata.name, { spec: { replicas: 1 } });
    await bed.settle();
    expect((await setOf('web:1')).spec!.replicas).toBe(5);
    expect(await pods()).toHaveLength(5);
    await edit((draft) => void (draft.spec!.replicas = 0));
    await bed.settle();
    expect(await pods()).toHaveLength(0);
    expect((await get()).status).not.toHaveProperty('replicas');
  });

  it('shares pods among the ReplicaSets of a rollout in proportion', async () => {
    bed.play((pod) => pod.spec!.containers[0]!.image === 'web:1');
    const rollingUpdate = { maxSurge: 3, maxUnavailable: 2 };
    await create(deploymentManifest('web', 10, 'web:1', { strategy: { type: 'RollingUpdate', rollingUpdate } }));
    await bed.settle();
    await setImage('web:2');
    await bed.settle();
    expect([(await setOf('web:1')).spec!.replicas, (await setOf('web:2')).spec!.replicas]).toEqual([8, 5]);
    await edit((draft) => void (draft.spec!.replicas = 15));
    await bed.settle();
    expect([(await setOf('web:1')).spec!.replicas, (await setOf('web:2')).spec!.replicas]).toEqual([11, 7]);
  });

  it('works while paused; a changed template waits for the resume', async () => {
    bed.play();
    await create(deploymentManifest('web', 2));
    await bed.settle();
    await edit((draft) => {
      draft.spec!.paused = true;
      draft.spec!.replicas = 3;
      draft.spec!.template.spec!.containers[0]!.image = 'web:2';
    });
    await bed.settle();
    expect((await pods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(3).fill('web:1'));
    expect(condition(await get(), 'Progressing')).toMatchObject({ status: 'Unknown', reason: 'DeploymentPaused' });
    await edit((draft) => void (draft.spec!.paused = false));
    await bed.settle();
    expect((await pods()).map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(3).fill('web:2'));
    expect(condition(await get(), 'Progressing')!.reason).toBe('NewReplicaSetAvailable');
  });
});

describe('Recreate', () => {
  it('starts new pods only when all old ones are gone', async () => {
    const nodeName = 'somewhere';
    await bed.client.create(resources.nodes, { metadata: { name: nodeName } });
    const manifest = deploymentManifest('web', 3, 'web:1', { strategy: { type: 'Recreate' } });
    manifest.spec.template.spec.nodeName = nodeName;
    await create(manifest);
    await bed.settle();
    for (const pod of await pods()) await bed.run(pod);
    await bed.settle();
    await setImage('web:2');
    await bed.settle();
    let left = await pods();
    expect(left).toHaveLength(3);
    expect(left.every((pod) => pod.metadata.deletionTimestamp)).toBe(true);
    expect(await setOf('web:2')).toBeUndefined();
    const terminating = async () =>
      (await bed.client.get(resources.deployments, 'default', 'web')).status!.terminatingReplicas;
    expect(await terminating()).toBe(3);
    for (const pod of left)
      await bed.client.delete(resources.pods, 'default', pod.metadata.name, { gracePeriodSeconds: 0 });
    await bed.settle();
    left = await pods();
    expect(left.map((pod) => pod.spec!.containers[0]!.image)).toEqual(Array(3).fill('web:2'));
    expect(await terminating()).toBe(0);
  });
});

describe('ownership', () => {
  it('adopts a matching ReplicaSet and lets go of one that matches no more', async () => {
    bed.play();
    await create(deploymentManifest('web', 1));
    await bed.settle();
    const set = await setOf('web:1');
    await bed.client.patch(resources.replicaSets, 'default', set.metadata.name, {
      metadata: { ownerReferences: null },
    });
    await bed.settle();
    expect((await setOf('web:1')).metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'web' }]);
    await bed.client.patch(resources.replicaSets, 'default', set.metadata.name, {
      metadata: { labels: { app: 'other' } },
    });
    await bed.settle();
    const released = (await sets()).find(({ metadata }) => metadata.uid === set.metadata.uid);
    expect(released!.metadata.ownerReferences ?? []).toEqual([]);
  });
});
