import type { Pod } from '@shared/k8s';
import { runController, type RunningController } from '../../client/controller';
import { resources } from '../../client/resources';
import type { InformerFactory } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { Clock } from '../../clock';
import type { Dial } from '../../dial';
import type { Logger } from '../../log';
import type { OpenDatagrams } from './index';
import { openTcp, openUdp, type OpenPort } from './open-ports';

export interface HostListenersOptions {
  informers: InformerFactory;
  /** Whether pods are reached through the engine. */
  isApart(): Promise<boolean>;
  /** How a node's pods are reached. */
  dial(node: string): Dial;
  datagrams(node: string): OpenDatagrams;
  clock: Clock;
  log: Logger;
}

type Protocol = 'TCP' | 'UDP';

/** Where what comes to a port of this machine goes. */
interface Target {
  node: string;
  ip: string;
  port: number;
}

const retryMs = 10_000;
const key = 'ports';
const everywhere = new Set(['', '0.0.0.0', '127.0.0.1']);

/** The host ports of a pod that works, as `80/TCP`; those of other addresses are the engine's. */
function portsOf({ spec, status, metadata }: Pod): [string, Target][] {
  const ready = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
  const { podIP: ip } = status ?? {};
  if (!ready || !ip || !spec?.nodeName || spec.hostNetwork || metadata.deletionTimestamp) return [];
  const node = spec.nodeName;
  return spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort, hostIP = '', protocol }) => hostPort && protocol !== 'SCTP' && everywhere.has(hostIP))
    .map(({ hostPort, containerPort, protocol = 'TCP' }) => [
      `${hostPort}/${protocol}`,
      { node, ip, port: containerPort },
    ]);
}

/**
 * Opens host ports of pods on this machine where the engine opens them on another one: where pods are reached
 * through the engine, and nobody has the port here, as an engine that brings its ports here by itself would.
 * NodePorts, LoadBalancers and the ingress are such pods. For as long as the app runs. @returns what stops it
 */
export function openHostPorts(options: HostListenersOptions): () => Promise<void> {
  const { informers, clock, log } = options;
  const pods = informers.informer<Pod>(resources.pods);
  /** Where a port leads is looked up for each connection: another pod may take the place of one. */
  const open = new Map<string, { opened: OpenPort; target: Target }>();
  const queue = new WorkQueue(clock);

  function close(id: string): void {
    open.get(id)?.opened.close();
    open.delete(id);
  }

  /** @returns whether it is open here */
  async function listen(id: string, first: Target): Promise<boolean> {
    const [port, protocol] = id.split('/') as [string, Protocol];
    const target = (): Target => open.get(id)?.target ?? first;
    try {
      const opened =
        protocol === 'UDP'
          ? await openUdp(
              Number(port),
              (answer) => options.datagrams(target().node)(target().ip, target().port, answer),
              clock,
            )
          : await openTcp(Number(port), (signal) => options.dial(target().node)(target().ip, target().port, signal));
      open.set(id, { opened, target: first });
      log.info('a port of a pod is opened here', { port: id });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE')
        log.warn('a port of a pod cannot be opened here', { port: id, error: error as Error });
      return false;
    }
  }

  async function reconcile(): Promise<{ requeueAfterMs: number } | void> {
    const wanted = new Map(pods.list().flatMap(portsOf));
    if (wanted.size > 0 && !(await options.isApart())) wanted.clear();
    for (const id of open.keys()) if (!wanted.has(id)) close(id);
    let missing = false;
    for (const [id, target] of wanted) {
      const found = open.get(id);
      if (found) found.target = target;
      else if (!(await listen(id, target))) missing = true;
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
    for (const id of open.keys()) close(id);
  };
}
