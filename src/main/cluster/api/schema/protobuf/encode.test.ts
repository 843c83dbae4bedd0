import { describe, expect, it } from 'vitest';
import { loadSchema } from '../index';
import { encodeWatchFrame } from './encode';

const { encodeProtobuf, decodeProtobuf } = loadSchema();
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('encodeProtobuf', () => {
  it('writes what Go writes: empty strings and times, maps by key, fields by number', () => {
    const encoded = encodeProtobuf({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c', creationTimestamp: '1970-01-01T00:02:00Z' },
      immutable: false,
      data: { b: '2', a: '' },
    } as never);
    const metadata = '0a 01 63 12 00 1a 00 22 00 2a 00 32 00 38 00 42 04 08 78 10 00';
    const raw = `0a 15 ${metadata} 12 05 0a 01 61 12 00 12 06 0a 01 62 12 01 32 20 00`;
    const type = `0a 0f 0a 02 ${Buffer.from('v1').toString('hex')} 12 09 ${Buffer.from('ConfigMap').toString('hex')}`;
    expect(encoded!.toString('hex')).toBe(bytesOf(`6b 38 73 00 ${type} 12 28 ${raw} 1a 00 22 00`).toString('hex'));
  });

  it.each([
    ['a Secret', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { k: '/wA=', none: '' } }],
    [
      'a Lease',
      {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'l', generation: 9007199254740991 },
        spec: { leaseDurationSeconds: -1, acquireTime: '2023-11-14T22:13:20.000005Z', leaseTransitions: 2147483647 },
      },
    ],
    [
      'a review with named lists',
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'SelfSubjectReview',
        metadata: {},
        status: { userInfo: { username: 'jane', groups: ['a', 'b'], extra: { x: ['1', '2'], y: [] } } },
      },
    ],
    [
      'a definition with every form of a schema',
      {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'd' },
        spec: {
          group: 'g',
          names: { plural: 'ds', kind: 'D' },
          scope: 'Cluster',
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: {
                openAPIV3Schema: {
                  type: 'object',
                  default: { a: [1, null, 'x'] },
                  enum: [null, 1.5, 'ä😀'],
                  minimum: -0.25,
                  items: { type: 'string' },
                  additionalProperties: false,
                  additionalItems: { type: 'integer' },
                  dependencies: { a: ['b', 'c'], d: { type: 'object' } },
                  properties: {
                    list: { items: [{ type: 'string' }, { type: 'number' }] },
                    open: { additionalProperties: true },
                  },
                },
              },
            },
          ],
        },
        status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null },
      },
    ],
  ])('%s comes back as it was', (_, object) => {
    const back = decodeProtobuf(encodeProtobuf(object as never)!);
    const withoutNulls = JSON.parse(
      JSON.stringify(object, (_key, value) => value),
      (key, value) => (value === null && ['conditions', 'storedVersions'].includes(key) ? undefined : value),
    );
    expect(back).toEqual(withoutNulls);
  });

  it('writes lists whose metadata is longer than the first buffer', () => {
    const items = Array.from({ length: 200 }, (_, index) => ({
      metadata: { name: `p${index}`, annotations: { note: 'x'.repeat(index * 10) } },
    }));
    const list = { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7' }, items };
    const { items: back } = decodeProtobuf(encodeProtobuf(list as never)!) as unknown as { items: typeof items };
    expect(back.map(({ metadata }) => metadata)).toEqual(items.map(({ metadata }) => metadata));
  });

  it('writes stored objects alike, alone, again and in a list', () => {
    const pod = Object.freeze({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [] } });
    const alone = encodeProtobuf(pod as never)!;
    expect(encodeProtobuf(pod as never)!.equals(alone)).toBe(true);
    expect(encodeProtobuf(structuredClone(pod) as never)!.equals(alone)).toBe(true);
    const list = (items: object[]) =>
      encodeProtobuf({ apiVersion: 'v1', kind: 'PodList', metadata: {}, items } as never)!;
    expect(list([pod, pod]).equals(list([structuredClone(pod), pod]))).toBe(true);
  });

  it('has no words for kinds without a table', () => {
    expect(encodeProtobuf({ apiVersion: 'example.com/v1', kind: 'Widget' } as never)).toBeUndefined();
  });
});

it('frames an event with its length', () => {
  const frame = encodeWatchFrame('ADDED', Buffer.from('abc'));
  expect(frame.toString('hex')).toBe(bytesOf('0000000e 0a05 4144444544 1205 0a03 616263').toString('hex'));
});
