import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import type { Clock, Timer } from '../../clock';
import type { Dial } from '../../dial';
import type { DatagramFlow } from './datagrams';
import { lead } from './lead';

/** A port of this machine's loopback address that leads elsewhere. */
export interface OpenPort {
  /** Ends what came in there too. */
  close(): void;
}

/** Opens a port for TCP. Rejects as sockets do, with `code`. */
export function openTcp(port: number, dial: (signal: AbortSignal) => ReturnType<Dial>): Promise<OpenPort> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void lead(socket, dial);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      resolve({
        close() {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      }),
    );
  });
}

/** How long it is remembered who asked, after the last datagram. */
const idleMs = 60_000;
/** More senders than this at a time are not listened to. */
const mostFlows = 1000;

/**
 * Opens a port for UDP. Each sender has a flow of its own, so that answers come back to it. Rejects as sockets do.
 * @param start begins a flow; given what takes its answers
 */
export function openUdp(
  port: number,
  start: (answer: (datagram: Buffer) => void) => Promise<DatagramFlow>,
  clock: Clock,
): Promise<OpenPort> {
  const flows = new Map<string, { flow: Promise<DatagramFlow>; timer: Timer }>();
  const socket = createSocket('udp4');
  const end = (sender: string): void => {
    const found = flows.get(sender);
    flows.delete(sender);
    found?.timer.cancel();
    found?.flow.then((flow) => flow.close()).catch(() => {});
  };
  socket.on('message', (datagram, from) => {
    const sender = `${from.address}:${from.port}`;
    const known = flows.get(sender);
    if (!known && flows.size >= mostFlows) return;
    known?.timer.cancel();
    const flow = known?.flow ?? start((answer) => socket.send(answer, from.port, from.address));
    flows.set(sender, { flow, timer: clock.setTimeout(() => end(sender), idleMs) });
    // Where the way is no more, the next one that is sent finds another.
    flow.then((way) => way.send(datagram) || end(sender)).catch(() => end(sender));
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.off('error', reject).on('error', () => {});
      resolve({
        close() {
          for (const sender of flows.keys()) end(sender);
          socket.close();
        },
      });
    });
  });
}
