import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '../log';
import { listenOnAny } from './listening';

const servers: Server[] = [];
const server = (): Server => {
  const one = createServer();
  servers.push(one);
  return one;
};
afterEach(() => {
  for (const one of servers.splice(0)) one.close();
});

it('takes another port where the wanted one is in use, if any will do', async () => {
  const port = await listenOnAny(server(), 0, '127.0.0.1', undefined);
  await expect(listenOnAny(server(), port, '127.0.0.1', undefined)).rejects.toThrow('EADDRINUSE');
  const other = server();
  const taken = await listenOnAny(other, port, '127.0.0.1', silentLogger);
  expect(taken).not.toBe(port);
  expect((other.address() as AddressInfo).port).toBe(taken);
});

it('serves nowhere but on addresses of this machine', async () => {
  // Kept for documentation: nobody has it.
  await expect(listenOnAny(server(), 0, '203.0.113.1', silentLogger)).rejects.toThrow('EADDRNOTAVAIL');
});
