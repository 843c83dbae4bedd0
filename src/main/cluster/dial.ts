import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** Opens a TCP connection. Rejects as sockets do, with `code`; aborting ends the connection too. */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;

/** Over this machine's own routes. */
export const dialDirectly: Dial = (host, port, signal) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
