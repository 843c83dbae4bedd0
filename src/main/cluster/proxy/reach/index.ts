import type { Clock } from '../../clock';
import { dialDirectly, type Dial } from '../../dial';
import type { Logger } from '../../log';
import { endWhenSilent } from './alive';
import { openTunnel, reaches, type Tunnel, type TunnelSession } from './tunnel';

/** A node's running system container: other id, other run. */
export interface Router {
  id: string;
  pod: string;
  address: string;
}

/** Whether pods are reached over this machine's routes or through the engine; `auto` finds out whether there are routes. */
export type ReachMode = 'auto' | 'direct' | 'tunnel';

export interface ReachOptions {
  mode: ReachMode;
  /** Whether an address belongs to the cluster's network. */
  inNetwork(host: string): boolean;
  /** The running system containers, that of the node first. */
  routers(node: string): Router[];
  /** Starts kube-tunnel in a system container. */
  run(router: Router): Promise<TunnelSession>;
  /** For tests; this machine's routes otherwise. */
  direct?: Dial;
  clock: Clock;
  log: Logger;
}

/** Exchanges datagrams with an address; those that come are given to `taker`. Rejects as sockets do. */
export type OpenDatagrams = Tunnel['datagrams'];

/** The one way from this machine to addresses of pods (D7). */
export interface Reach {
  /** Connects for a node: over this machine's routes, and through the node's system container where there are none. */
  dial(node: string): Dial;
  /** The same for UDP, always through the node's system container. */
  datagrams(node: string): OpenDatagrams;
  /** Whether a node's pods are reached through its system container. */
  isApart(node: string): Promise<boolean>;
  /** The engine or its network may be another: what was found out no longer counts. */
  changed(): void;
  stop(): void;
}

/** How long the way over this machine's routes may take to answer. */
const tryMs = 1500;
/** How long a tunnel may take to open. */
const openMs = 10_000;
/** After a failure, what was found out is not doubted again for so long. */
const doubtMs = 30_000;
/** What becomes of connections where the route was lost; the last one is of those that waited too long. */
const noRoute = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL', 'ABORT_ERR']);

/**
 * See Reach. Whether there is a route shows only when it is tried, and a network of another engine
 * or of a VPN may have the same addresses: the program that the tunnel starts has a secret, and
 * whoever reads it at the container's address has reached that container.
 */
export function createReach(options: ReachOptions): Reach {
  const { mode, clock, log } = options;
  const direct = options.direct ?? dialDirectly;
  const tunnels = new Map<string, Promise<Tunnel>>();
  let verdict: { routable: Promise<boolean>; at: number } | undefined;
  let told: boolean | undefined;
  let failedAt = -Infinity;
  /** Said once. */
  let complaint = '';
  let stopped = false;

  function tunnelTo(router: Router): Promise<Tunnel> {
    const known = tunnels.get(router.id);
    if (known) return known;
    if (stopped) return Promise.reject(new Error('the app is stopping'));
    const started = options.run(router).then(openTunnel);
    const late = new AbortController();
    const timer = clock.setTimeout(() => late.abort(new Error('the engine did not answer in time')), openMs);
    const opening = within(started, late.signal).finally(() => timer.cancel());
    tunnels.set(router.id, opening);
    const forget = (): void => {
      if (tunnels.get(router.id) !== opening) return;
      tunnels.delete(router.id);
      // Its end may be that of the engine.
      verdict = undefined;
    };
    opening.catch(forget);
    started.then(
      (tunnel) => {
        if (tunnels.get(router.id) !== opening) return tunnel.close();
        endWhenSilent(tunnel, clock);
        void tunnel.closed.then(forget);
      },
      () => {},
    );
    return opening;
  }

  async function look(router: Router): Promise<boolean> {
    const abort = new AbortController();
    let timer;
    try {
      const tunnel = await tunnelTo(router);
      timer = clock.setTimeout(() => abort.abort(), tryMs);
      const routable = await reaches(tunnel, (port) => direct(router.address, port, abort.signal));
      const way = routable ? 'over the routes of this machine' : 'through the engine';
      if (routable !== told) log.info(`pods are reached ${way}`, { router: router.address });
      told = routable;
      if (routable) closeAll();
      return routable;
    } catch (error) {
      const { message } = error as Error;
      if (message !== complaint && !stopped)
        log.warn('it could not be found out how pods are reached: they are dialled directly', { error: message });
      complaint = message;
      failedAt = clock.now();
      verdict = undefined;
      return true;
    } finally {
      timer?.cancel();
    }
  }

  function closeAll(): void {
    const all = [...tunnels.values()];
    tunnels.clear();
    for (const one of all) one.then(({ close }) => close()).catch(() => {});
  }

  function routable(router: Router): Promise<boolean> {
    if (mode !== 'auto') return Promise.resolve(mode === 'direct');
    if (!verdict && clock.now() - failedAt < doubtMs) return Promise.resolve(true);
    return (verdict ??= { routable: look(router), at: clock.now() }).routable;
  }

  return {
    dial: (node) => async (host, port, signal) => {
      const [router] = options.inNetwork(host) ? options.routers(node) : [];
      if (!router) return direct(host, port, signal);
      if (!(await within(routable(router), signal)))
        return (await within(tunnelTo(router), signal)).connect(host, port, signal);
      try {
        return await direct(host, port, signal);
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (noRoute.has(code) && verdict && clock.now() - verdict.at > doubtMs) verdict = undefined;
        throw error;
      }
    },
    datagrams:
      (node) =>
      async (...place) => {
        const [router] = options.routers(node);
        if (!router) throw new Error('no system container runs');
        return (await tunnelTo(router)).datagrams(...place);
      },
    async isApart(node) {
      const [router] = options.routers(node);
      return router !== undefined && !(await routable(router));
    },
    changed() {
      verdict = undefined;
      failedAt = -Infinity;
    },
    stop() {
      stopped = true;
      closeAll();
    },
  };
}

/** Waits no longer than the signal lets. */
function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      const { reason } = signal as { reason: unknown };
      const plain = reason instanceof Error && reason.name !== 'AbortError' ? reason : undefined;
      reject(plain ?? Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }));
    };
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
