import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from '@shared/k8s';
import { systemClock } from '../clock';
import { dialDirectly } from '../dial';
import { check, portOf, type CheckContext } from './probe-check';
import { ProbeCounter } from './probes';

describe('ProbeCounter', () => {
  it('takes on a state after as many results in a row as the threshold', () => {
    const counter = new ProbeCounter(2, 3);
    const results = ['failure', 'failure', 'success', 'failure', 'failure', 'failure', 'success', 'success'] as const;
    expect(results.map((result) => counter.add(result))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      'failure',
      undefined,
      'success',
    ]);
  });
});

describe('check', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/hang') return;
      if (request.url === '/moved') return void response.writeHead(302, { location: '/ok' }).end();
      if (request.url === '//two') return void response.writeHead(200).end();
      if (request.url === '/nowhere') return void response.writeHead(302, { location: 'http://[bad' }).end();
      if (request.url === '/elsewhere')
        return void response.writeHead(302, { location: 'http://elsewhere.example/' }).end();
      response.writeHead(request.url === '/ok' && request.headers['x-key'] === 'v' ? 200 : 500).end('body');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  const context = (): CheckContext =>
    ({
      runtime: {},
      dial: dialDirectly,
      clock: systemClock,
      container: { name: 'c', ports: [{ name: 'web', containerPort: port }] },
      target: { id: 'x' },
      podIp: '127.0.0.1',
    }) as unknown as CheckContext;
  const http = (path: string, more: object = {}) =>
    check(
      { httpGet: { path, port: 'web', httpHeaders: [{ name: 'X-Key', value: 'v' }], ...more } as never },
      300,
      context(),
    );

  it('takes a path with two slashes for a path', async () => {
    expect(await http('//two')).toEqual({ result: 'success', output: '' });
  });

  it('fails on redirects and servers that make no sense, in words', async () => {
    expect(await http('/nowhere')).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('failed to parse Location header "http://[bad"'),
    });
    expect(await http('/ok', { scheme: 'HTTPS' })).toMatchObject({
      result: 'failure',
      output: expect.stringContaining('server gave HTTP response to HTTPS client'),
    });
  });

  it('asks over HTTP with headers, by port name, and follows redirects of the same host', async () => {
    expect(await http('/ok')).toEqual({ result: 'success', output: '' });
    expect(await http('/moved')).toEqual({ result: 'success', output: '' });
    expect(await http('/elsewhere')).toEqual({ result: 'success', output: '' });
    expect(await http('/no')).toEqual({ result: 'failure', output: 'HTTP probe failed with statuscode: 500' });
  });

  it('words failures as Go does', async () => {
    expect(await http('/hang')).toEqual({
      result: 'failure',
      output: `Get "http://127.0.0.1:${port}/hang": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    });
    expect(await check({ tcpSocket: { port: 1 } as never }, 300, context())).toEqual({
      result: 'failure',
      output: 'dial tcp 127.0.0.1:1: connect: connection refused',
    });
    expect(await check({ tcpSocket: { port } as never }, 300, context())).toEqual({ result: 'success', output: '' });
  });

  it('asks the gRPC health service', async () => {
    const answers: Record<string, number> = { '': 1, ill: 2 };
    const grpc = createHttp2Server();
    grpc.on('stream', (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
      stream.on('end', () => {
        const name = Buffer.concat(chunks).subarray(7).toString();
        const status = answers[name];
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': status ? 0 : 5, 'grpc-message': 'unknown%20service' }),
        );
        stream.end(status ? Buffer.from([0, 0, 0, 0, 2, 8, status]) : undefined);
      });
    });
    await new Promise<void>((resolve) => void grpc.listen(0, '127.0.0.1', resolve));
    const at = (grpc.address() as AddressInfo).port;
    const ask = (service?: string) => check({ grpc: { port: at, service } as never }, 1000, context());
    expect(await ask()).toEqual({ result: 'success', output: '' });
    expect(await ask('ill')).toEqual({ result: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' });
    expect(await ask('other')).toEqual({
      result: 'failure',
      output: 'error: rpc error: code = 5 desc = unknown service',
    });
    grpc.close();
    expect((await check({ grpc: { port: 1 } as never }, 1000, context())).output).toBe(
      'error: dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });

  it('counts what cannot be probed as nothing', async () => {
    expect((await http('/ok', { port: 'unknown' })).result).toBe('unknown');
  });
});

it('portOf knows numbers and names', () => {
  const container = { name: 'c', ports: [{ name: 'web', containerPort: 80 }] } as Container;
  expect([
    portOf(8080, container),
    portOf('8080', container),
    portOf('web', container),
    portOf('other', container),
  ]).toEqual([8080, 8080, 80, undefined]);
});
