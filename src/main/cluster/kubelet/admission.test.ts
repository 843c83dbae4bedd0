import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resources } from '../client/resources';
import { createTestNode, type TestNode } from '../../../../test/support/simulated-node';

let node: TestNode;
beforeEach(async () => {
  node = await createTestNode({ cpus: 2, memoryBytes: 2 ** 30, maxPods: 3 });
});
afterEach(() => node.close());

const asking = (requests: object): object => ({
  containers: [{ name: 'main', image: 'web:1', resources: { requests } }],
});

const refusal = async (name: string) => {
  await node.pass(1000);
  const { phase, reason, message, containerStatuses } = (await node.pod(name))!.status!;
  return { phase, reason, message, containerStatuses };
};

describe('a pod that is bound by hand', () => {
  it('is refused when the node has not enough for it', async () => {
    await node.create('first', asking({ cpu: '1500m' }));
    await node.pass(500);
    await node.create('second', asking({ cpu: '600m' }));
    const message = "Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000";
    expect(await refusal('second')).toEqual({
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: `Pod was rejected: ${message}`,
    });
    expect(await node.events()).toContain(`OutOfcpu: ${message}`);
    await node.create('third', asking({ memory: '2Gi' }));
    expect((await refusal('third')).reason).toBe('OutOfmemory');
    // Who is gone takes nothing.
    await node.client.delete(resources.pods, 'default', 'first', { gracePeriodSeconds: 0 });
    await node.pass(500);
    await node.create('fourth', asking({ cpu: '600m' }));
    expect((await refusal('fourth')).phase).toBe('Running');
  });

  it('is refused when there are as many as the node may have', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      await node.create(name, {});
      await node.pass(500);
    }
    expect(await refusal('d')).toMatchObject({
      reason: 'OutOfpods',
      message: "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
    });
  });

  it('is refused when the node is not the one it wants', async () => {
    await node.create('elsewhere', { nodeSelector: { disk: 'ssd' } });
    expect(await refusal('elsewhere')).toMatchObject({
      reason: 'NodeAffinity',
      message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
    });
  });

  it('is refused when it sets what is not its own to set, but for the routers of the cluster', async () => {
    const sysctls = [{ name: 'net.ipv4.ip_forward', value: '1' }];
    await node.create('forwarder', { securityContext: { sysctls } });
    expect(await refusal('forwarder')).toMatchObject({
      reason: 'SysctlForbidden',
      message: expect.stringContaining('forbidden sysctl: "net.ipv4.ip_forward" not allowlisted'),
    });
  });

  it('is refused when a port of the host or a taint stands against it', async () => {
    const ports = { containers: [{ name: 'main', image: 'web:1', ports: [{ containerPort: 80, hostPort: 8080 }] }] };
    await node.create('first', ports);
    await node.pass(500);
    await node.create('second', ports);
    expect((await refusal('second')).reason).toBe('NodePorts');
    const taints = [{ key: 'broken', effect: 'NoExecute' }];
    await node.client.patch(resources.nodes, undefined, 'n', { spec: { taints } }, { type: 'merge' });
    await node.pass(100);
    await node.create('third', {});
    expect((await refusal('third')).reason).toBe('TaintToleration');
    await node.create('fourth', { tolerations: [{ operator: 'Exists' }] });
    expect((await refusal('fourth')).phase).toBe('Running');
  });
});
