import { createServer, type Server, type Socket } from 'node:net';
import type { Pod } from '@shared/k8s';
import { runController, type RunningController } from '../../client/controller';
import { resources } from '../../client/resources';
import type { InformerFactory } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { Clock } from '../../clock';
import type { Dial } from '../../dial';
import type { Logger } from '../../log';
import { lead } from './lead';

export interface HostListenersOptions {
  informers: InformerFactory;
  /** Whether pods are reached through the engine. */
  isApart(): Promise<boolean>;
  /** How a node's pods are reached. */
  dial(node: string): Dial;
  clock: Clock;
  log: Logger;
}

/** Where connections to a port of this machine go. */
interface Target {
  node: string;
  ip: string;
  port: number;
}

const retryMs = 10_000;
const key = 'ports';
const everywhere = new Set(['', '0.0.0.0', '127.0.0.1']);

/** The host ports of a pod that works, by their number; those of other addresses and protocols are the engine's. */
function portsOf({ spec, status, metadata }: Pod): [number, Target][] {
  const ready = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
  const { podIP: ip } = status ?? {};
  if (!ready || !ip || !spec?.nodeName || spec.hostNetwork || metadata.deletionTimestamp) return [];
  const node = spec.nodeName;
  return spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort, hostIP = '', protocol = 'TCP' }) => hostPort && protocol === 'TCP' && everywhere.has(hostIP))
    .map(({ hostPort, containerPort }) => [hostPort!, { node, ip, port: containerPort }]);
}

/**
 * Opens host ports of pods on this machine where the engine opens them on another one: where pods are reached
 * through the engine, and nobody has the port here, as an engine that brings its ports here by itself would.
 * NodePorts, LoadBalancers and the ingress are such pods. For as long as the app runs. @returns what stops it
 */
export function openHostPorts(options: HostListenersOptions): () => Promise<void> {
  const { informers, clock, log } = options;
  const pods = informers.informer<Pod>(resources.pods);
  const open = new Map<number, { server: Server; sockets: Set<Socket>; target: Target }>();
  const queue = new WorkQueue(clock);

  function close(port: number): void {
    const found = open.get(port);
    open.delete(port);
    found?.server.close();
    for (const socket of found?.sockets ?? []) socket.destroy();
  }

  /** @returns whether it is open here */
  function listen(port: number, target: Target): Promise<boolean> {
    return new Promise((resolve) => {
      const sockets = new Set<Socket>();
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        const { node, ip, port: there } = open.get(port)?.target ?? target;
        void lead(socket, (signal) => options.dial(node)(ip, there, signal));
      });
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') log.warn('a port of a pod cannot be opened here', { port, error });
        resolve(false);
      });
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
        open.set(port, { server, sockets, target });
        log.info('a port of a pod is opened here', { port });
        resolve(true);
      });
    });
  }

  async function reconcile(): Promise<{ requeueAfterMs: number } | void> {
    const wanted = new Map(pods.list().flatMap(portsOf));
    if (wanted.size > 0 && !(await options.isApart())) wanted.clear();
    for (const port of open.keys()) if (!wanted.has(port)) close(port);
    let missing = false;
    for (const [port, target] of wanted) {
      const found = open.get(port);
      if (found) found.target = target;
      else if (!(await listen(port, target))) missing = true;
    }
    if (missing) return { requeueAfterMs: retryMs };
  }

  const hasPorts = ({ spec }: Pod): boolean =>
    spec?.containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort)) ?? false;
  const touch = (pod: Pod): void => void (hasPorts(pod) && queue.add(key));
  const remove = pods.on({ add: touch, update: touch, delete: touch });
  const controller: RunningController = runController({
    name: 'host-listeners',
    queue,
    clock,
    log,
    reconciler: { reconcile },
  });
  return async () => {
    remove();
    queue.close();
    await controller.stop();
    for (const port of open.keys()) close(port);
  };
}
