import type { Clock } from '../../clock';
import { dialDirectly } from '../../dial';
import type { Logger } from '../../log';
import { endWhenSilent } from './alive';
import type { Router } from './index';
import { lead } from './lead';
import { openTunnel, type Tunnel, type TunnelSession } from './tunnel';

export interface BringOptions {
  /** The running system containers. */
  routers(): Router[];
  /** Starts kube-tunnel in a system container. */
  run(router: Router): Promise<TunnelSession>;
  /** Of this machine's loopback address: where connections are led. */
  port: number;
  /** Told where pods can connect to: at once and whenever it is elsewhere. */
  told(place: { ip: string; port: number }): void;
  clock: Clock;
  log: Logger;
}

const retryMs = 2000;

/**
 * Brings connections of pods to this machine where they have no route to it: a system container
 * listens for them. Goes on with another one when that ends. @returns what stops it
 */
export function bringHere(options: BringOptions): () => void {
  const { clock, log } = options;
  const stop = new AbortController();
  let tunnel: Tunnel | undefined;
  stop.signal.addEventListener('abort', () => tunnel?.close());

  async function once(router: Router): Promise<void> {
    tunnel = await openTunnel(await options.run(router));
    if (stop.signal.aborted) return tunnel.close();
    const port = await tunnel.listen(
      (connection) => void lead(connection, (signal) => dialDirectly('127.0.0.1', options.port, signal)),
    );
    endWhenSilent(tunnel, clock);
    options.told({ ip: router.address, port });
    await tunnel.closed;
  }

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, retryMs);
      stop.signal.addEventListener(
        'abort',
        () => {
          timer.cancel();
          resolve();
        },
        { once: true },
      );
    });

  async function forever(): Promise<void> {
    while (!stop.signal.aborted) {
      const [router] = options.routers();
      if (router) await once(router).catch((error: Error) => log.warn('pods have no way to this machine', { error }));
      if (!stop.signal.aborted) await pause();
    }
  }
  void forever();
  return () => stop.abort();
}
