import { describe, expect, it } from 'vitest';
import { loadSchema } from '../index';

const { decodeProtobuf } = loadSchema();

const varint = (value: number | bigint): Buffer => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
};
const number = (field: number, value: number | bigint): Buffer => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field: number, ...parts: (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
};
const envelope = (apiVersion: string, kind: string, ...raw: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    bytes(1, bytes(1, apiVersion), bytes(2, kind)),
    bytes(2, ...raw),
    bytes(3),
    bytes(4),
  ]);

describe('decodeProtobuf', () => {
  it('decodes a config map, leaving out what JSON leaves out', () => {
    // As Go writes it: empty strings and an empty time stamp are on the wire.
    const metadata = bytes(
      1,
      bytes(1, 'settings'),
      bytes(2, ''),
      bytes(3, ''),
      bytes(5, ''),
      bytes(6, ''),
      number(7, 0),
      bytes(8),
      bytes(11, bytes(1, 'app'), bytes(2, 'web')),
    );
    const body = envelope('v1', 'ConfigMap', metadata, bytes(2, bytes(1, 'a'), bytes(2, '1')), bytes(2, bytes(1, 'b')));
    expect(decodeProtobuf(body)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', labels: { app: 'web' } },
      data: { a: '1', b: '' },
    });
  });

  it('decodes bytes as base64 and pointers to zero', () => {
    const body = envelope(
      'v1',
      'Secret',
      bytes(1, bytes(1, 's')),
      bytes(2, bytes(1, 'k'), bytes(2, Buffer.from([0xff, 0]))),
      number(5, 0),
    );
    expect(decodeProtobuf(body)).toMatchObject({ data: { k: '/wA=' }, immutable: false });
  });

  it('decodes nested, inlined and special types of a deployment', () => {
    const probe = bytes(
      11,
      bytes(1, bytes(2, bytes(1, '/healthz'), bytes(2, number(1, 1), number(2, 0), bytes(3, 'http')))),
      number(2, 5),
    );
    const resources = bytes(8, bytes(1, bytes(1, 'cpu'), bytes(2, bytes(1, '250m'))));
    const port = bytes(6, bytes(1, 'http'), number(2, 0), number(3, 8080), bytes(4, 'TCP'));
    const container = bytes(
      2,
      bytes(1, 'web'),
      bytes(2, 'nginx'),
      bytes(3, 'run'),
      bytes(3, '-v'),
      port,
      resources,
      probe,
    );
    const template = bytes(3, bytes(1), bytes(2, container));
    const strategy = bytes(4, bytes(1, 'RollingUpdate'), bytes(2, bytes(1, number(1, 0), number(2, 1), bytes(3))));
    const selector = bytes(2, bytes(1, bytes(1, 'app'), bytes(2, 'web')));
    expect(
      decodeProtobuf(
        envelope(
          'apps/v1',
          'Deployment',
          bytes(1, bytes(1, 'web')),
          bytes(2, number(1, 3), selector, template, strategy),
        ),
      ),
    ).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: {},
          spec: {
            containers: [
              {
                name: 'web',
                image: 'nginx',
                command: ['run', '-v'],
                ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
                resources: { limits: { cpu: '250m' } },
                readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 5 },
              },
            ],
          },
        },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      },
    });
  });

  it('decodes times, negative numbers and delete options of any group', () => {
    const lease = bytes(2, number(2, -1), bytes(3, number(1, 1_700_000_000), number(2, 5_000)));
    expect(decodeProtobuf(envelope('coordination.k8s.io/v1', 'Lease', lease)).spec).toEqual({
      leaseDurationSeconds: -1,
      acquireTime: '2023-11-14T22:13:20.000005Z',
    });
    expect(decodeProtobuf(envelope('apps/v1', 'DeleteOptions', number(1, 0), bytes(4, 'Orphan')))).toEqual({
      apiVersion: 'apps/v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Orphan',
    });
  });

  it('refuses what is not protobuf, is cut short or of no known kind', () => {
    expect(() => decodeProtobuf(Buffer.from('{"kind":"Pod"}'))).toThrow('does not appear to be a protobuf message');
    const whole = envelope('v1', 'Pod', bytes(1, bytes(1, 'p')));
    expect(() => decodeProtobuf(whole.subarray(0, whole.length - 6))).toThrow('unexpected EOF');
    expect(() => decodeProtobuf(envelope('x/v1', 'Y'))).toThrow('no kind "Y" is registered for version "x/v1"');
  });
});
