import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resources } from '../../src/main/cluster/client/resources';
import { containersOf, docker } from '../support/docker';
import { createHarness, podOf, script, type Harness } from './kubelet-harness';

let cluster: Harness;
beforeAll(async () => {
  cluster = await createHarness();
});
afterAll(() => cluster?.close());

describe('node', () => {
  it('registers what the engine has and keeps a lease', async () => {
    const node = await cluster.client.get(resources.nodes, undefined, 'node-1');
    expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux' });
    expect(node.status?.conditions?.find((one) => one.type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
    });
    expect(Number(node.status?.capacity?.cpu)).toBeGreaterThan(0);
    expect(node.status?.capacity?.pods).toBe('110');
    expect(node.status?.nodeInfo?.containerRuntimeVersion).toMatch(/^docker:\/\/\d/);
    const lease = await cluster.client.get(resources.leases, 'kube-node-lease', 'node-1');
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
  });
});

describe('a pod', () => {
  it('runs, reports itself as Kubernetes does and goes without a trace', async () => {
    await cluster.create(podOf('simple', script('echo hello; trap "exit 0" TERM; while true; do sleep 0.1; done')));
    const pod = await cluster.ready('simple');
    expect(pod.status).toMatchObject({ phase: 'Running', qosClass: 'BestEffort' });
    expect(pod.status?.podIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const [status] = pod.status!.containerStatuses!;
    expect(status).toMatchObject({ name: 'main', ready: true, started: true, restartCount: 0, image: 'busybox:1' });
    expect(status!.containerID).toMatch(/^docker:\/\/[0-9a-f]{64}$/);
    expect(status!.state?.running?.startedAt).toMatch(/Z$/);
    expect((await cluster.story('simple')).join('\n')).toMatch(
      /Pulled Container image.*\n.*Created Created container: main\n.*Started Started container main/,
    );
    expect(await cluster.logs('simple')).toBe('hello\n');

    await cluster.remove('simple');
    await cluster.until('simple', 'gone', (one) => !one);
    expect(await containersOf(cluster.clusterId, { 'gantry.dev/pod-name': 'simple' })).toEqual([]);
    expect((await cluster.story('simple')).join('\n')).toContain('Normal Killing Stopping container main');
  });

  it('has its limits really set in Docker', async () => {
    const resources = { limits: { cpu: '250m', memory: '64Mi' }, requests: { cpu: '100m', memory: '32Mi' } };
    await cluster.create(podOf('limited', { resources }));
    const pod = await cluster.running('limited');
    expect(pod.status?.qosClass).toBe('Burstable');
    const id = pod.status!.containerStatuses![0]!.containerID!.slice('docker://'.length);
    const { HostConfig } = await docker.getContainer(id).inspect();
    expect(HostConfig).toMatchObject({
      NanoCpus: 250_000_000,
      CpuShares: 102,
      Memory: 64 * 2 ** 20,
      MemorySwap: 64 * 2 ** 20,
    });
  });
});
