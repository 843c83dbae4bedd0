import { describe, expect, it } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@shared/k8s';
import { mountClaim } from './claim';
import type { VolumeContext } from './types';

let born = 0;
/** A pod with the claim; `mounted` ones run. */
const pod = (name: string, nodeName: string, mounted = false): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: new Date(1e12 + born++ * 1000).toISOString(),
  },
  spec: { nodeName, containers: [], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
  status: mounted ? { phase: 'Running', podIP: '10.0.0.1' } : { phase: 'Pending' },
});

/** What a pod hears that wants to mount beside others: its volume's name, or the refusal. */
async function ask(one: Pod, others: Pod[], mode = 'ReadWriteOnce', source: object | null = null): Promise<string> {
  const claim = {
    metadata: { name: 'data', namespace: 'default', uid: 'c' },
    spec: { accessModes: [mode], volumeName: 'pv' },
    status: { phase: 'Bound' },
  } as PersistentVolumeClaim;
  const volume = {
    metadata: { name: 'pv' },
    spec: {
      accessModes: [mode],
      claimRef: { namespace: 'default', name: 'data', uid: 'c' },
      ...(source ?? { csi: { driver: 'docker.gantry.dev', volumeHandle: 'h' } }),
    },
  } as PersistentVolume;
  const context = {
    runtime: { kind: 'simulated' },
    facts: { nodeName: one.spec!.nodeName },
    objects: {
      claim: async () => claim,
      persistentVolume: async () => volume,
      podsOfClaim: () => [one, ...others],
      node: () => undefined,
    },
  } as unknown as VolumeContext;
  try {
    return (await mountClaim(one, one.spec!.volumes![0]!, context)).source;
  } catch (error) {
    return (error as Error).message;
  }
}

const multiAttach = (names: string) => `Multi-Attach error for volume "pv" Volume is already used by pod(s) ${names}`;

describe('a volume for one node', () => {
  it('is shared by the pods of that node', async () => {
    const here = pod('here', 'n1', true);
    const waiting = pod('waiting', 'n2');
    expect(await ask(pod('late', 'n1'), [here, waiting])).toBe('pv');
  });

  it('is not given to a pod of another node', async () => {
    const here = pod('here', 'n1', true);
    expect(await ask(pod('there', 'n2'), [here, pod('also', 'n1', true)])).toBe(multiAttach('here, also'));
    expect(await ask(pod('there', 'n2'), [here], 'ReadWriteMany')).toBe('pv');
    expect(await ask(pod('there', 'n2'), [here], 'ReadWriteOnce', { hostPath: { path: '/data' } })).toBe('pv');
  });

  it('goes to the oldest of those that wait for it', async () => {
    const [first, second] = [pod('first', 'n1'), pod('second', 'n2')];
    expect(await ask(first, [second])).toBe('pv');
    expect(await ask(second, [first])).toBe(multiAttach('first'));
  });

  it('stays with a pod that has it', async () => {
    const older = pod('older', 'n1');
    expect(await ask(pod('running', 'n2', true), [older])).toBe('pv');
  });
});

it('a volume for one pod is given to no second one', async () => {
  const [first, second] = [pod('first', 'n1'), pod('second', 'n1')];
  expect(await ask(first, [second], 'ReadWriteOncePod')).toBe('pv');
  expect(await ask(second, [first], 'ReadWriteOncePod')).toMatch(/ReadWriteOncePod access mode/);
});
