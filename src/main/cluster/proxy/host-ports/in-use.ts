import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Whether a program of this machine has the port on its loopback address. Asked by taking the port
 * for a moment; a port that may not be taken (below 1024) is asked by the engine.
 */
export function portInUse(port: number, protocol: 'TCP' | 'UDP'): Promise<boolean> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(error.code === 'EADDRINUSE');
    if (protocol === 'TCP') {
      const server = createServer();
      server.once('error', failed);
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(false)));
    } else {
      const socket = createSocket('udp4');
      socket.once('error', failed);
      socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => socket.close(() => resolve(false)));
    }
  });
}
