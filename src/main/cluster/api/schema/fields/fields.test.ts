import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedFields, equal, removedFields } from './compare';
import { difference, intersection, isMember, member, pathsOf, sameFields, union, type FieldSet } from './field-set';
import { mergeApplied, namedFields, pruneApplied } from './merge';
import { objectShape, zeroObject } from './shape';

const deployment = objectShape('apps/v1', 'Deployment', 'main');
const pod = objectShape('v1', 'Pod', 'all');
const service = objectShape('v1', 'Service', 'main');
const unknown = objectShape('example.com/v1', 'Widget', 'main');

const container = (name: string, more = {}) => ({ name, image: `${name}:1`, ...more });
const podOf = (...containers: object[]) => ({ spec: { containers } });

describe('what a manager of a new object owns', () => {
  it.each([
    [
      'keyed lists by their keys, defaults included, with what holds them',
      pod,
      podOf(container('a', { ports: [{ containerPort: 80 }], resources: {} })),
      {
        'f:spec': {
          'f:containers': {
            'k:{"name":"a"}': {
              '.': {},
              'f:name': {},
              'f:image': {},
              'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              'f:resources': {},
            },
          },
        },
      },
    ],
    [
      'maps by key, atomic maps and structs as one',
      service,
      { metadata: { labels: { a: 'b' } }, spec: { selector: { app: 'x' }, externalIPs: ['1.2.3.4'] } },
      { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:selector': {}, 'f:externalIPs': {} } },
    ],
    [
      'sets by value, references by their keys as one',
      pod,
      { metadata: { finalizers: ['x/y'], ownerReferences: [{ uid: 'u', name: 'n' }] } },
      {
        'f:metadata': {
          'f:finalizers': { '.': {}, 'v:"x/y"': {} },
          'f:ownerReferences': { '.': {}, 'k:{"uid":"u"}': {} },
        },
      },
    ],
    [
      'nothing that the server writes, nothing of another view',
      deployment,
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'a', namespace: 'b', uid: 'c', resourceVersion: '1', generation: 1, managedFields: [] },
        status: { replicas: 1 },
      },
      undefined,
    ],
    [
      'kinds without a table key by key, their lists as one',
      unknown,
      { metadata: { name: 'x' }, spec: { size: { w: 1 }, list: [{ a: 1 }], none: {} }, status: { a: 1 } },
      { 'f:spec': { '.': {}, 'f:size': { '.': {}, 'f:w': {} }, 'f:list': {}, 'f:none': {} } },
    ],
  ])('%s', (_, shape, object, expected) => {
    const zero =
      shape === unknown ? { metadata: {} } : zeroObject(shape === deployment ? 'apps/v1' : 'v1', kindOf(shape));
    expect(changedFields(shape, zero, object)).toEqual(expected);
  });

  const kindOf = (shape: object) => (shape === deployment ? 'Deployment' : shape === service ? 'Service' : 'Pod');
});

describe('what a change changes', () => {
  const web = podOf(container('a', { env: [{ name: 'X', value: '1' }] }), container('b'));
  it.each([
    ['nothing', web, web, [], []],
    [
      'a value',
      web,
      podOf(container('a', { env: [{ name: 'X', value: '2' }] }), container('b')),
      ['.spec.containers[name="a"].env[name="X"].value'],
      [],
    ],
    ['the order alone', web, podOf(...[...web.spec.containers].reverse()), [], []],
    [
      'an element more',
      web,
      podOf(...web.spec.containers, container('c')),
      ['.spec.containers[name="c"]', '.spec.containers[name="c"].image', '.spec.containers[name="c"].name'],
      [],
    ],
    [
      'an element less',
      web,
      podOf(web.spec.containers[0]!),
      [],
      ['.spec.containers[name="b"]', '.spec.containers[name="b"].image', '.spec.containers[name="b"].name'],
    ],
    [
      'an atomic list',
      podOf({ name: 'a', args: ['1'] }),
      podOf({ name: 'a', args: ['1', '2'] }),
      ['.spec.containers[name="a"].args'],
      [],
    ],
    [
      'a set',
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { finalizers: ['b', 'c'] } },
      ['.metadata.finalizers[="c"]'],
      ['.metadata.finalizers[="a"]'],
    ],
    [
      'a map that goes',
      { metadata: { labels: { a: '1' } } },
      { metadata: {} },
      [],
      ['.metadata.labels', '.metadata.labels.a'],
    ],
  ])('%s', (_, old, next, changed, removed) => {
    expect(pathsOf(changedFields(pod, old, next))).toEqual(changed);
    expect(pathsOf(removedFields(pod, old, next))).toEqual(removed);
  });
});

describe('merging', () => {
  const names = (value: unknown) => (value as any).spec.containers.map(({ name }: { name: string }) => name).join('');
  it.each([
    ['ab', 'ab', 'ab'],
    ['ab', 'ba', 'ba'],
    ['abc', 'b', 'abc'],
    ['ab', 'xb', 'axb'],
    ['', 'ab', 'ab'],
    ['abcd', 'dxb', 'acdxb'],
    ['x', 'a', 'xa'],
  ])('%s with %s applied is %s', (live, config, expected) => {
    const list = (text: string) => podOf(...[...text].map((name) => container(name)));
    expect(names(mergeApplied(pod, list(live), list(config)))).toBe(expected);
  });

  it('merges elements, replaces atomic values and leaves the arguments alone', () => {
    const live = podOf(container('a', { args: ['1'], tty: true }));
    const config = podOf({ name: 'a', args: ['2'] });
    const text = JSON.stringify([live, config]);
    expect(mergeApplied(pod, live, config)).toEqual(podOf(container('a', { args: ['2'], tty: true })));
    expect(JSON.stringify([live, config])).toBe(text);
  });

  it('prunes what was applied and is owned no more, with what defaults put into it', () => {
    const last = namedFields(deployment, {
      metadata: { labels: { a: '1', b: '2' } },
      spec: { strategy: { rollingUpdate: { maxSurge: 2 } }, replicas: 2 },
    });
    const live = {
      metadata: { labels: { a: '1', b: '2', c: '3' } },
      spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: '25%' } }, replicas: 2 },
    };
    const kept = namedFields(deployment, { metadata: { labels: { b: '2' } }, spec: { replicas: 1 } });
    expect(pruneApplied(deployment, live, last, kept)).toEqual({
      metadata: { labels: { b: '2', c: '3' } },
      spec: { replicas: 2 },
    });
  });

  it('treats a name like any other', () => {
    const config = JSON.parse('{"metadata":{"labels":{"__proto__":"x","constructor":"y"}}}');
    const merged = mergeApplied(pod, { metadata: { labels: { a: 'b' } } }, config) as any;
    expect(Object.keys(merged.metadata.labels)).toEqual(['a', '__proto__', 'constructor']);
    expect(pathsOf(namedFields(pod, config))).toEqual(['.metadata.labels.__proto__', '.metadata.labels.constructor']);
  });
});

/** Sets of any form; the leaves are members. */
const sets: fc.Arbitrary<FieldSet> = fc.letrec<{ set: FieldSet }>((tie) => ({
  set: fc.oneof(
    { maxDepth: 4 },
    fc.constant(member),
    fc
      .tuple(
        fc.boolean(),
        fc.dictionary(fc.constantFrom('f:a', 'f:b', 'k:{"x":1}', 'v:"y"'), tie('set'), { minKeys: 1, maxKeys: 3 }),
      )
      .map(([own, children]) => ({ ...children, ...(own ? { '.': member } : {}) })),
  ),
})).set;

describe('sets of fields', () => {
  const members = (set: FieldSet | undefined) => new Set([...pathsOf(set), ...(set && isMember(set) ? [''] : [])]);
  it('are sets', () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        const [left, right] = [members(a), members(b)];
        expect(members(union(a, b))).toEqual(new Set([...left, ...right]));
        expect(members(difference(a, b))).toEqual(new Set([...left].filter((path) => !right.has(path))));
        expect(members(intersection(a, b))).toEqual(new Set([...left].filter((path) => right.has(path))));
        expect(sameFields(a, b)).toBe(equal([...left].sort(), [...right].sort()));
        expect(union(a, difference(a, b))).toBe(a);
      }),
    );
  });
});

/** Deployments and pods in pieces, as a manager would apply them. */
const config = fc
  .record(
    {
      labels: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { minKeys: 1, maxKeys: 3 }),
      finalizers: fc.uniqueArray(fc.constantFrom('x/a', 'x/b', 'x/c'), { minLength: 1 }),
      containers: fc.uniqueArray(
        fc.record(
          {
            name: fc.constantFrom('a', 'b', 'c'),
            image: fc.constantFrom('i:1', 'i:2'),
            args: fc.array(fc.constantFrom('1', '2'), { minLength: 1 }),
            env: fc.uniqueArray(fc.record({ name: fc.constantFrom('X', 'Y'), value: fc.constantFrom('1', '2') }), {
              selector: ({ name }) => name,
              minLength: 1,
            }),
          },
          { requiredKeys: ['name'] },
        ),
        { selector: ({ name }) => name, minLength: 1 },
      ),
    },
    { requiredKeys: [] },
  )
  .map(({ labels, finalizers, containers }) => ({
    ...(labels || finalizers
      ? { metadata: { ...(labels ? { labels } : {}), ...(finalizers ? { finalizers } : {}) } }
      : {}),
    ...(containers ? { spec: { containers } } : {}),
  }));

describe('applying', () => {
  it('twice is applying once, and every applied field is there', () => {
    fc.assert(
      fc.property(config, config, (live, applied) => {
        const once = mergeApplied(pod, live, applied);
        expect(mergeApplied(pod, once, applied)).toEqual(once);
        expect(changedFields(pod, once, applied)).toBeUndefined();
      }),
    );
  });

  it('and withdrawing leaves what was there, where nothing was shared', () => {
    fc.assert(
      fc.property(config, config, (live, applied) => {
        const merged = mergeApplied(pod, live, applied);
        const own = difference(namedFields(pod, applied), namedFields(pod, live));
        const left = pruneApplied(pod, merged, own, namedFields(pod, live));
        const paths = new Set(pathsOf(namedFields(pod, left)));
        for (const path of pathsOf(namedFields(pod, live))) expect(paths).toContain(path);
        for (const path of pathsOf(own)) expect(paths).not.toContain(path);
      }),
    );
  });

  it('a change is what comes in and what goes', () => {
    fc.assert(
      fc.property(config, config, (old, next) => {
        const before = namedFields(pod, old);
        const expected = union(difference(before, removedFields(pod, old, next)), changedFields(pod, old, next));
        // The fields of the next object, whichever way they are come by; what holds them may be named as well.
        expect(pathsOf(difference(namedFields(pod, next), expected))).toEqual([]);
        const extra = pathsOf(difference(expected, namedFields(pod, next)));
        expect(extra.filter((path) => !/(metadata|spec|labels|finalizers|containers|env)$/.test(path))).toEqual([]);
      }),
    );
  });
});
