import type { AddressInfo, Server } from 'node:net';
import type { Logger } from '../log';

/**
 * Listens and answers the port that was had.
 * @param log with it any port will do when the wanted one is in use
 * @throws Error when neither can be had
 */
export async function listenOnAny(
  listener: Server,
  port: number,
  host: string,
  log: Logger | undefined,
): Promise<number> {
  try {
    await listen(listener, port, host);
  } catch (error) {
    if (!log || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    log.info('the port is in use, taking another', { port });
    await listen(listener, 0, host);
  }
  return (listener.address() as AddressInfo).port;
}

function listen(listener: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, host, () => {
      listener.off('error', reject);
      resolve();
    });
  });
}
