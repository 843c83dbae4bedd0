import { describe, expect, it } from 'vitest';
import { threeWayPatch } from './three-way';

const deployment = (containers: object[], extra: object = {}): any => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { template: { spec: { containers } }, ...extra },
});

describe('threeWayPatch', () => {
  it('is empty when all that is wanted is there, defaults notwithstanding', () => {
    const wanted = deployment([{ name: 'a', image: 'x:1', ports: [{ containerPort: 80 }] }]);
    const live = deployment(
      [{ name: 'a', image: 'x:1', imagePullPolicy: 'Always', ports: [{ containerPort: 80, protocol: 'TCP' }] }],
      {
        replicas: 1,
      },
    );
    expect(threeWayPatch(wanted, wanted, live, true)).toEqual({});
  });

  it('changes one container by its name and keeps one that another put there', () => {
    const original = deployment([{ name: 'a', image: 'x:1' }]);
    const live = deployment([
      { name: 'a', image: 'x:1', imagePullPolicy: 'Always' },
      { name: 'sidecar', image: 's:1' },
    ]);
    expect(threeWayPatch(original, deployment([{ name: 'a', image: 'x:2' }]), live, true)).toEqual({
      spec: {
        template: {
          spec: { containers: [{ name: 'a', image: 'x:2' }], '$setElementOrder/containers': [{ name: 'a' }] },
        },
      },
    });
  });

  it('removes what it applied before and no longer wants, and nothing else', () => {
    const original = {
      ...deployment([{ name: 'a', env: [{ name: 'A', value: '1' }] }]),
      metadata: { name: 'web', labels: { a: '1', b: '2' } },
    };
    const modified = { ...deployment([{ name: 'a', env: [] }]), metadata: { name: 'web', labels: { a: '1' } } };
    const live = {
      ...deployment([
        {
          name: 'a',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        },
      ]),
      metadata: { name: 'web', labels: { a: '1', b: '2', c: '3' } },
    };
    const patch = threeWayPatch(original, modified, live, true) as any;
    expect(patch.metadata).toEqual({ labels: { b: null } });
    expect(patch.spec.template.spec.containers[0].env).toEqual([{ $patch: 'delete', name: 'A' }]);
  });

  it('replaces lists without a key, and all lists of custom resources', () => {
    const modified = { kind: 'Thing', spec: { containers: [{ name: 'a' }], args: ['x'] } };
    const live = { kind: 'Thing', spec: { containers: [{ name: 'a', more: 1 }], args: ['y'] } };
    expect(threeWayPatch(undefined, modified, live, false)).toEqual({
      spec: { containers: [{ name: 'a' }], args: ['x'] },
    });
    expect(
      threeWayPatch(
        undefined,
        deployment([{ name: 'a', args: ['x'] }]),
        deployment([{ name: 'a', args: ['y'] }]),
        true,
      ),
    ).toMatchObject({
      spec: { template: { spec: { containers: [{ name: 'a', args: ['x'] }] } } },
    });
  });

  it('drops the fields of another strategy', () => {
    const live = deployment([], { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } });
    expect(threeWayPatch(undefined, deployment([], { strategy: { type: 'Recreate' } }), live, true)).toEqual({
      spec: { strategy: { type: 'Recreate', $retainKeys: ['type'] } },
    });
  });

  it('replaces ports that share a number, which a merge would confuse', () => {
    const ports = [
      { containerPort: 53, protocol: 'TCP' },
      { containerPort: 53, protocol: 'UDP' },
    ];
    const patch = threeWayPatch(
      undefined,
      deployment([{ name: 'a', ports }]),
      deployment([{ name: 'a', ports: [ports[0]!] }]),
      true,
    ) as any;
    expect(patch.spec.template.spec.containers[0].ports).toEqual([...ports, { $patch: 'replace' }]);
  });

  it('merges finalizers as a set', () => {
    const at = (finalizers: string[]): any => ({ kind: 'Pod', metadata: { finalizers } });
    expect(threeWayPatch(at(['a', 'b']), at(['a', 'c']), at(['a', 'b', 'x']), true)).toEqual({
      metadata: { finalizers: ['c'], '$deleteFromPrimitiveList/finalizers': ['b'] },
    });
  });
});
