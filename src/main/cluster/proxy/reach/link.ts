import type { InformerFactory, KubeClient } from '../../client/types';
import type { Clock } from '../../clock';
import type { Logger } from '../../log';
import { bringHere } from './bring';
import { openHostPorts } from './host-listeners';
import { createReach, type Reach, type ReachMode } from './index';
import { routersOf, runTunnel } from './routers';

export interface LinkOptions {
  client: KubeClient;
  informers: InformerFactory;
  mode: ReachMode;
  /** Whether an address belongs to the cluster's network. */
  inNetwork(host: string): boolean;
  /** The node whose system container is used where any will do. */
  node(): string | undefined;
  clock: Clock;
  log: Logger;
}

/** All ways between this machine and the cluster's network: to pods, from pods, and by ports of this machine. */
export interface Link extends Pick<Reach, 'dial' | 'changed'> {
  /** After the informers were started. */
  start(): void;
  /** Finds out which way to go before anybody needs it. */
  look(): void;
  /** Leads pods to a port of this machine's loopback address through a system container. Once. */
  bring(port: number, told: (place: { ip: string; port: number }) => void): void;
  stop(): Promise<void>;
}

/** See Link. */
export function createLink(options: LinkOptions): Link {
  const { client, informers, clock, log } = options;
  const routers = (node = options.node()) => (node ? routersOf(informers, node) : []);
  const run = (router: Parameters<typeof runTunnel>[1]) => runTunnel(client, router);
  const reach = createReach({ mode: options.mode, inNetwork: options.inNetwork, routers, run, clock, log });
  let stopBringing: (() => void) | undefined;
  let closePorts: (() => Promise<void>) | undefined;
  let stopped = false;
  const isApart = () => reach.isApart(options.node() ?? '');
  return {
    dial: reach.dial,
    changed: reach.changed,
    start() {
      closePorts ??= openHostPorts({
        informers,
        isApart,
        dial: reach.dial,
        datagrams: reach.datagrams,
        clock,
        log,
      });
    },
    look: () => void isApart(),
    bring(port, told) {
      if (!stopped) stopBringing ??= bringHere({ routers: () => routers(), run, port, told, clock, log });
    },
    async stop() {
      stopped = true;
      stopBringing?.();
      await closePorts?.();
      reach.stop();
    },
  };
}
