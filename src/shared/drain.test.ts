import { describe, expect, it } from 'vitest';
import { drainVerdict } from './drain';
import type { Pod } from './k8s';

const pod = (owner: string | undefined, extra: { emptyDir?: boolean; phase?: string; mirror?: boolean } = {}) =>
  ({
    metadata: {
      name: 'web',
      ...(owner ? { ownerReferences: [{ kind: owner, controller: true }] } : {}),
      ...(extra.mirror ? { annotations: { 'kubernetes.io/config.mirror': 'x' } } : {}),
    },
    spec: { containers: [], volumes: extra.emptyDir ? [{ name: 'scratch', emptyDir: {} }] : [] },
    status: { phase: extra.phase ?? 'Running' },
  }) as unknown as Pod;
const plain = { force: false, deleteEmptyDirData: false };

describe('a drain', () => {
  it('evicts what a controller starts again and leaves what belongs to the node', () => {
    expect(drainVerdict(pod('ReplicaSet'), plain)).toBe('evict');
    expect(drainVerdict(pod('DaemonSet', { emptyDir: true }), plain)).toBe('daemonset');
    expect(drainVerdict(pod(undefined, { mirror: true }), plain)).toBe('mirror');
  });

  it('needs to be told to lose data and pods', () => {
    expect(drainVerdict(pod('ReplicaSet', { emptyDir: true }), plain)).toBe('localStorage');
    expect(drainVerdict(pod('ReplicaSet', { emptyDir: true }), { ...plain, deleteEmptyDirData: true })).toBe('evict');
    expect(drainVerdict(pod(undefined), plain)).toBe('noController');
    expect(drainVerdict(pod(undefined), { ...plain, force: true })).toBe('evict');
    expect(drainVerdict(pod(undefined, { emptyDir: true }), { ...plain, force: true })).toBe('localStorage');
  });

  it('evicts what has ended, whatever it is', () => {
    expect(drainVerdict(pod(undefined, { emptyDir: true, phase: 'Succeeded' }), plain)).toBe('evict');
    expect(drainVerdict(pod('DaemonSet', { phase: 'Failed' }), plain)).toBe('evict');
  });
});
