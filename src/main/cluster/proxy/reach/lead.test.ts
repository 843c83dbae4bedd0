import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { dialDirectly } from '../../dial';
import { lead } from './lead';

const servers: Server[] = [];
const live = new AbortController().signal;
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function serve(serveOne: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, serveOne);
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return (server.address() as AddressInfo).port;
}
const dial = async (port: number): Promise<Socket> => (await dialDirectly('127.0.0.1', port, live)) as Socket;

it('loses nothing of who sends and leaves at once, and answers who only stopped sending', async () => {
  const much = Buffer.alloc(3_000_000, 'x');
  const heard: number[] = [];
  const there = await serve((socket) => {
    void buffer(socket).then(({ length }) => heard.push(length));
    socket.on('end', () => socket.end('thanks'));
  });
  const here = await serve((socket) => void lead(socket, (signal) => dialDirectly('127.0.0.1', there, signal)));
  const polite = await dial(here);
  polite.end(much);
  expect(String(await buffer(polite))).toBe('thanks');
  const hasty = await dial(here);
  hasty.end(much, () => hasty.destroy());
  await expect.poll(() => heard, { timeout: 8000 }).toEqual([much.length, much.length]);
});

it('loses nothing of who answers and leaves at once, however slowly it is read', async () => {
  const much = Buffer.alloc(8_000_000, 'x');
  const there = await serve((socket) => socket.end(much, () => socket.destroySoon()));
  const here = await serve((socket) => void lead(socket, (signal) => dialDirectly('127.0.0.1', there, signal)));
  const slow = await dial(here);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await buffer(slow)).length).toBe(much.length);
});

it('ends who is led nowhere, and gives up dialling for who is ended', async () => {
  const here = await serve((socket) => void lead(socket, () => Promise.reject(new Error('no way'))));
  const refused = await dial(here);
  refused.resume();
  await once(refused, 'close');
  const given = new Promise<void>((givenUp) => {
    const dialling = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('given up'));
          givenUp();
        });
      });
    void serve((socket) => {
      void lead(socket, dialling);
      socket.destroy();
    }).then(dial);
  });
  await given;
});
