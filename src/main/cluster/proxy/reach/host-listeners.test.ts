import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Pod } from '@shared/k8s';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';
import { dialDirectly } from '../../dial';
import { silentLogger } from '../../log';
import { openHostPorts } from './host-listeners';

let bed: Testbed;
let stop: () => Promise<void>;
let apart: boolean;
/** Addresses of pods that were dialled; each says which it is. */
let dialled: string[];
const server = createServer((socket) => socket.end('a pod'));
const live = new AbortController().signal;

beforeEach(async () => {
  [apart, dialled] = [true, []];
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  bed = await startTestbed();
  await bed.client.create(resources.nodes, { metadata: { name: 'n1' } });
  await bed.informers.start();
  stop = openHostPorts({
    informers: bed.informers,
    isApart: async () => apart,
    dial: (node) => (ip, port, signal) => {
      dialled.push(`${node} ${ip}:${port}`);
      return dialDirectly('127.0.0.1', (server.address() as AddressInfo).port, signal);
    },
    datagrams: (node) => async (ip, port, taker) => ({
      send(datagram) {
        dialled.push(`${node} ${ip}:${port}`);
        taker(Buffer.from(`${datagram.toString()}, says a pod`));
        return true;
      },
      close: () => dialled.push('closed'),
    }),
    clock: bed.clock,
    log: silentLogger,
  });
});
afterEach(async () => {
  await stop();
  bed.stop();
  server.close();
});

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

async function create(hostPort: number, more: object = {}): Promise<void> {
  const ports = [{ containerPort: 80, hostPort, ...more }];
  await bed.client.create(resources.pods, {
    metadata: { namespace: 'default', name: 'p' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i', ports }] },
  } as never);
  await ready(true);
}

async function ready(well: boolean): Promise<void> {
  const pod = await bed.client.get<Pod>(resources.pods, 'default', 'p');
  const conditions = [{ type: 'Ready', status: well ? 'True' : 'False' }];
  await bed.client.updateStatus(resources.pods, {
    ...pod,
    status: { phase: 'Running', podIP: '172.18.0.9', conditions },
  });
  await bed.advance(100);
}

const ask = async (port: number): Promise<string> =>
  dialDirectly('127.0.0.1', port, live).then(
    (socket) => text(socket),
    (error: NodeJS.ErrnoException) => error.code!,
  );

it('leads ports of ready pods there, for as long as they are ready', async () => {
  const port = await freePort();
  await create(port, { hostIP: '127.0.0.1' });
  await vi.waitFor(async () => expect(await ask(port)).toBe('a pod'));
  expect(dialled).toEqual(['n1 172.18.0.9:80']);
  await ready(false);
  await vi.waitFor(async () => expect(await ask(port)).toBe('ECONNREFUSED'));
});

it('leaves alone what others have, and takes it later', async () => {
  const other = createServer((socket) => socket.end('another'));
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  const { port } = other.address() as AddressInfo;
  await create(port);
  expect(await ask(port)).toBe('another');
  await new Promise((closed) => other.close(closed));
  await bed.advance(10_000);
  await vi.waitFor(async () => expect(await ask(port)).toBe('a pod'));
});

it('opens nothing where the engine does, nor for other addresses', async () => {
  apart = false;
  const port = await freePort();
  await create(port);
  expect(await ask(port)).toBe('ECONNREFUSED');
  apart = true;
  await bed.client.delete(resources.pods, 'default', 'p', { gracePeriodSeconds: 0 } as never);
  await create(port, { hostIP: '203.0.113.7' });
  expect(await ask(port)).toBe('ECONNREFUSED');
});

it('carries datagrams and their answers, and forgets who is silent', async () => {
  const port = await freePort();
  await create(port, { protocol: 'UDP' });
  const client = createSocket('udp4');
  const heard: string[] = [];
  client.on('message', (datagram) => heard.push(datagram.toString()));
  await vi.waitFor(async () => {
    await new Promise((sent) => client.send('hello', port, '127.0.0.1', sent));
    expect(heard).toContain('hello, says a pod');
  });
  expect(dialled).toContain('n1 172.18.0.9:80');
  expect(dialled).not.toContain('closed');
  await bed.advance(60_000);
  await vi.waitFor(() => expect(dialled).toContain('closed'));
  client.close();
  expect(await ask(port)).toBe('ECONNREFUSED');
});
