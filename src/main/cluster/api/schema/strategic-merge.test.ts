import { describe, expect, it } from 'vitest';
import { loadSchema } from './index';

const schema = loadSchema();
const merge = (kind: string, original: object, patch: object): any =>
  schema.strategicMerge(kind === 'Deployment' ? 'apps/v1' : 'v1', kind, original as never, patch as never);
const containers = (...list: object[]) => ({ spec: { containers: list } });

describe('strategic merge', () => {
  it('merges maps and removes what is null', () => {
    const original = { metadata: { labels: { a: '1', b: '2' } }, data: { x: '1' } };
    expect(merge('ConfigMap', original, { metadata: { labels: { b: null, c: '3' } }, data: { y: '2' } })).toEqual({
      metadata: { labels: { a: '1', c: '3' } },
      data: { x: '1', y: '2' },
    });
    expect(original).toEqual({ metadata: { labels: { a: '1', b: '2' } }, data: { x: '1' } });
  });

  it('merges containers by name and adds new ones at the end', () => {
    const original = containers(
      { name: 'a', image: 'one', env: [{ name: 'X', value: '1' }] },
      { name: 'b', image: 'two' },
    );
    const patch = containers({ name: 'b', image: 'three' }, { name: 'c', image: 'four', command: null });
    expect(merge('Pod', original, patch)).toEqual(
      containers(
        { name: 'a', image: 'one', env: [{ name: 'X', value: '1' }] },
        { name: 'b', image: 'three' },
        { name: 'c', image: 'four' },
      ),
    );
  });

  it('merges lists inside merged lists', () => {
    const original = containers({
      name: 'a',
      env: [
        { name: 'X', value: '1' },
        { name: 'Y', value: '2' },
      ],
      args: ['1', '2'],
    });
    const patch = containers({ name: 'a', env: [{ name: 'Y', value: '3' }], args: ['4'] });
    expect(merge('Pod', original, patch)).toEqual(
      containers({
        name: 'a',
        env: [
          { name: 'X', value: '1' },
          { name: 'Y', value: '3' },
        ],
        args: ['4'],
      }),
    );
  });

  it('removes an element with $patch: delete', () => {
    const patch = containers({ $patch: 'delete', name: 'a' });
    expect(merge('Pod', containers({ name: 'a' }, { name: 'b' }), patch)).toEqual(containers({ name: 'b' }));
    expect(() => merge('Pod', containers({ name: 'a' }), containers({ $patch: 'delete' }))).toThrow(
      'delete patch type with no merge key defined',
    );
  });

  it('replaces lists and maps with $patch: replace', () => {
    const patch = containers({ $patch: 'replace' }, { name: 'z' });
    expect(merge('Pod', containers({ name: 'a' }), patch)).toEqual(containers({ name: 'z' }));
    const strategy = { spec: { strategy: { $patch: 'replace', type: 'Recreate' } } };
    const original = { spec: { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    expect(merge('Deployment', original, strategy)).toEqual({ spec: { replicas: 1, strategy: { type: 'Recreate' } } });
    expect(merge('ConfigMap', { data: { a: '1' } }, { data: { $patch: 'delete' } })).toEqual({ data: {} });
  });

  it('retains only the keys it is told to', () => {
    const original = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(merge('Deployment', original, patch)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
    expect(() =>
      merge('Deployment', original, { spec: { strategy: { $retainKeys: ['type'], rollingUpdate: {} } } }),
    ).toThrow('invalid content in patch');
  });

  it('tells ports with one number apart by protocol', () => {
    const ports = [
      { containerPort: 53, protocol: 'TCP' },
      { containerPort: 53, protocol: 'UDP' },
    ];
    const patch = containers({ name: 'a', ports: [{ containerPort: 53, protocol: 'UDP', name: 'dns' }] });
    expect(merge('Pod', containers({ name: 'a', ports }), patch)).toEqual(
      containers({ name: 'a', ports: [ports[0], { containerPort: 53, protocol: 'UDP', name: 'dns' }] }),
    );
  });

  it('changes the protocol of the only port with that number', () => {
    const original = { spec: { ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } };
    expect(merge('Service', original, { spec: { ports: [{ port: 80, protocol: 'UDP' }] } })).toEqual({
      spec: { ports: [{ port: 80, protocol: 'UDP', targetPort: 8080 }] },
    });
  });

  it('joins lists of words and takes words away', () => {
    const original = { metadata: { finalizers: ['a', 'b'] } };
    expect(merge('Pod', original, { metadata: { finalizers: ['b', 'c'] } })).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    expect(merge('Pod', original, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({
      metadata: { finalizers: ['b'] },
    });
    const patch = {
      metadata: {
        '$setElementOrder/finalizers': ['c', 'b'],
        '$deleteFromPrimitiveList/finalizers': ['a'],
        finalizers: ['c'],
      },
    };
    expect(merge('Pod', original, patch)).toEqual({ metadata: { finalizers: ['c', 'b'] } });
  });

  it('orders elements as the patch says, others where they were', () => {
    const original = containers({ name: 'server' }, { name: 'a' }, { name: 'b' });
    const patch = {
      spec: {
        '$setElementOrder/containers': [{ name: 'b' }, { name: 'new' }, { name: 'a' }],
        containers: [{ name: 'new' }],
      },
    };
    expect(merge('Pod', original, patch).spec.containers.map((container: any) => container.name)).toEqual([
      'server',
      'b',
      'new',
      'a',
    ]);
    const alone = { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } };
    expect(merge('Pod', original, alone).spec.containers.map((container: any) => container.name)).toEqual([
      'server',
      'b',
      'a',
    ]);
  });

  it('replaces atomic lists and leaves no directive behind', () => {
    const tolerations = [{ key: 'a', operator: 'Exists' }];
    expect(merge('Pod', { spec: { tolerations } }, { spec: { tolerations: [{ key: 'b' }] } })).toEqual({
      spec: { tolerations: [{ key: 'b' }] },
    });
    const patch = containers({
      name: 'a',
      '$setElementOrder/env': [{ name: 'X' }],
      env: [{ name: 'X' }, { $patch: 'delete', name: 'Y' }],
    });
    expect(merge('Pod', {}, patch)).toEqual(containers({ name: 'a', env: [{ name: 'X' }] }));
  });

  it('refuses elements without their key and directives it does not know', () => {
    expect(() => merge('Pod', containers({ name: 'a' }), containers({ image: 'x' }))).toThrow(
      'does not contain declared merge key: name',
    );
    expect(() => merge('Pod', {}, { spec: {}, $patch: 'shuffle' })).toThrow('unknown patch type: shuffle in map: map[');
    expect(() => merge('Pod', {}, { spec: { nodeSelector: { $patch: 'shuffle' } } })).toThrow(
      'unknown patch type: shuffle',
    );
  });
});
