import { afterAll, beforeAll, expect, it } from 'vitest';
import { resources } from '../../src/main/cluster/client/resources';
import { containersOf, docker, removeCluster, testCluster } from '../support/docker';
import { createHarness, podOf, script, type Harness } from './kubelet-harness';

let cluster: Harness;
const foreign = testCluster();
beforeAll(async () => {
  cluster = await createHarness();
});
afterAll(async () => {
  await cluster?.close();
  await removeCluster(foreign);
});

const forever = 'trap "exit 0" TERM; while true; do sleep 0.1; done';

it('adopts what runs, restarts what died, removes what nobody knows, touches nothing else', async () => {
  await cluster.create(
    podOf('stays', { ...script(forever), readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } }),
  );
  await cluster.create(podOf('dies', script(forever)));
  await cluster.create(podOf('leaves', script(forever)));
  await cluster.create(podOf('deleted', script(forever)));
  const before = await cluster.ready('stays');
  const dying = await cluster.ready('dies');
  await cluster.ready('leaves');
  await cluster.ready('deleted');
  const stranger = await docker.createContainer({
    Image: 'busybox:1',
    Cmd: ['sleep', '3600'],
    Labels: { 'gantry.dev/cluster': foreign, 'gantry.dev/node': 'node-1', 'gantry.dev/pod-uid': 'unknown' },
  });
  await stranger.start();

  await cluster.restart(async () => {
    const id = dying.status!.containerStatuses![0]!.containerID!.slice('docker://'.length);
    await docker.getContainer(id).kill();
    // One is gone from the API without a trace, one is to go.
    await cluster.remove('leaves', 0);
    await cluster.remove('deleted');
  });

  await cluster.until('dies', 'restarted', (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1);
  await cluster.until('deleted', 'gone', (pod) => !pod);
  await expect
    .poll(() => containersOf(cluster.clusterId, { 'gantry.dev/pod-name': 'leaves' }), { timeout: 20_000 })
    .toEqual([]);

  const after = (await cluster.pod('stays'))!;
  expect(after.status!.containerStatuses![0]).toMatchObject({
    containerID: before.status!.containerStatuses![0]!.containerID,
    restartCount: 0,
    ready: true,
  });
  expect(after.status!.conditions!.find((one) => one.type === 'Ready')!.lastTransitionTime).toBe(
    before.status!.conditions!.find((one) => one.type === 'Ready')!.lastTransitionTime,
  );
  expect(await containersOf(cluster.clusterId, { 'gantry.dev/pod-name': 'stays' })).toHaveLength(2);
  expect((await stranger.inspect()).State.Running).toBe(true);
  expect(await cluster.logs('stays')).toBe('');
});

it('leaves a pod alone that was created while it was away and starts it afterwards', async () => {
  await cluster.restart(async () => {
    await cluster.create(podOf('newcomer', script(forever)));
  });
  await cluster.ready('newcomer');
  const lease = await cluster.client.get(resources.leases, 'kube-node-lease', 'node-1');
  expect(Date.now() - Date.parse(lease.spec!.renewTime!)).toBeLessThan(15_000);
});
