import type { Event, Pod, Service } from '@shared/k8s';
import { isAlreadyExists, isNotFound, runController, type RunningController } from '../../client/controller';
import { createEventRecorder } from '../../client/events';
import { keyOf, resources, splitKey } from '../../client/resources';
import type { InformerFactory, KubeClient } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { Clock } from '../../clock';
import type { Logger } from '../../log';
import { manifestAnnotation } from '../manifests';
import { app, hostPortsPod, nameLabel, namespaceLabel, podName, portsOf } from './pod';
import { balancerStatus } from './status';
import { isBalancedHere, portId, wantedPorts, type HostPort } from './wanted';

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;

const systemNamespace = 'kube-system';
/** How long a pod may take before it is asked what keeps it, and how often a port that is taken is tried again. */
const slowMs = 3_000;
const retryMs = 10_000;

export interface HostPortsOptions {
  client: KubeClient;
  informers: InformerFactory;
  /** Whether a program of the engine's machine has the port. */
  portInUse(port: number, protocol: 'TCP' | 'UDP'): Promise<boolean>;
  /** What pods that hold ports are made of, once it is there. */
  place(): { image: string; node: string; router: string; nodeAddress?: string } | undefined;
  clock: Clock;
  log: Logger;
}

/** Opens the ports of NodePort and LoadBalancer Services on this machine. */
export interface HostPorts {
  /** Its informers must have been started. */
  start(): void;
  /** Something that `place` tells has changed. */
  changed(): void;
  stop(): Promise<void>;
}

/** See HostPorts. Its informers are asked for here. */
export function createHostPorts(options: HostPortsOptions): HostPorts {
  const { client, informers, clock, log } = options;
  const services = informers.informer<Service>(resources.services);
  const pods = informers.informer<Pod>(resources.pods);
  const recorder = createEventRecorder({ client, clock, log, component: 'service-controller' });
  const queue = new WorkQueue(clock);
  const removals: (() => void)[] = [];
  let controller: RunningController | undefined;

  const ours = (pod: Pod): boolean =>
    pod.metadata.namespace === systemNamespace && pod.metadata.labels?.['k8s-app'] === app;
  const serviceOf = ({ metadata: { labels } }: Pod): string => `${labels?.[namespaceLabel]}/${labels?.[nameLabel]}`;

  /** Who has a port, in words; undefined when it is free. */
  async function holder({ port, protocol }: HostPort, own: string): Promise<string | undefined> {
    const id = portId({ port, protocol });
    for (const pod of pods.list(systemNamespace))
      if (ours(pod) && pod.metadata.name !== own && portsOf(pod).has(id)) return `Service ${serviceOf(pod)}`;
    return (await options.portInUse(port, protocol)) ? 'another program' : undefined;
  }

  /** Splits what is wanted: a load balancer's ports are opened together or not at all. */
  async function divide(wanted: HostPort[], current: Pod | undefined, own: string) {
    const held = current ? portsOf(current) : new Set<string>();
    const conflicts: { port: HostPort; by: string }[] = [];
    for (const port of wanted) {
      const by = held.has(portId(port)) ? undefined : await holder(port, own);
      if (by) conflicts.push({ port, by });
    }
    const balanced = !conflicts.some(({ port }) => port.use === 'balancer');
    const open = wanted.filter(
      (port) => (balanced || port.use === 'node') && !conflicts.some((conflict) => conflict.port === port),
    );
    return { open, conflicts };
  }

  const remove = (pod: Pod): Promise<void> =>
    client.delete(resources.pods, systemNamespace, pod.metadata.name).catch((error: Error) => {
      if (!isNotFound(error)) throw error;
    });

  /** What the engine said of a pod that does not come up. */
  async function complaint(pod: Pod): Promise<string | undefined> {
    const fieldSelector = `involvedObject.uid=${pod.metadata.uid}`;
    const { items } = await client.list<Event>(resources.events, systemNamespace, { fieldSelector });
    return items.findLast(({ type }) => type === 'Warning')?.message ?? pod.status?.message;
  }

  async function setStatus(service: Service, conflict: string | undefined, ready: boolean): Promise<void> {
    const status = balancerStatus(service, { conflict, ready, now: clock.now() });
    if (!status) return;
    await client.updateStatus(resources.services, { ...service, status });
    if (status.loadBalancer?.ingress?.length)
      recorder.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  function report(service: Service, use: HostPort['use'], text: string): void {
    if (use === 'node') recorder.event(service, 'Warning', 'NodePortNotOpened', text);
    else {
      const message = `Error syncing load balancer: failed to ensure load balancer: ${text}`;
      recorder.event(service, 'Warning', 'SyncLoadBalancerFailed', message);
    }
  }

  async function reconcile(key: string): Promise<{ requeueAfterMs: number } | void> {
    const { namespace, name } = splitKey(key);
    const place = options.place();
    if (!place) return;
    const service = services.get(namespace, name);
    const own = podName(namespace!, name);
    const current = pods.get(systemNamespace, own);
    // What ends holds its ports until it is gone: its removal brings us back.
    if (current?.metadata.deletionTimestamp) return;
    const wanted = service && !service.metadata.deletionTimestamp ? wantedPorts(service, place.router) : [];
    const { open, conflicts } = await divide(wanted, current, own);
    const over = current?.status?.phase === 'Failed' || current?.status?.phase === 'Succeeded';
    const pod =
      open.length > 0 ? hostPortsPod({ ...place, service: { namespace: namespace!, name }, ports: open }) : undefined;
    const hash = pod?.metadata.annotations?.[manifestAnnotation];
    if (current && (over || hash !== current.metadata.annotations?.[manifestAnnotation])) {
      await remove(current);
      if (service && !isBalancedHere(service)) await setStatus(service, undefined, false);
      return;
    }
    if (!service) return;
    const texts = conflicts.map(({ port, by }) => `port ${portId(port)} of this machine is in use by ${by}`);
    for (const [index, { port }] of conflicts.entries()) report(service, port.use, texts[index]!);
    const conflict = texts.find((_, index) => conflicts[index]!.port.use === 'balancer');
    if (!current && pod) {
      if (isBalancedHere(service) && !conflict)
        recorder.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
      await client.create(resources.pods, pod).catch((error: Error) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
    const ready = !!current && isReady(current);
    await setStatus(service, conflict, ready);
    if (current && !ready) {
      const age = clock.now() - Date.parse(current.metadata.creationTimestamp as unknown as string);
      const said = age > slowMs ? await complaint(current) : undefined;
      if (said) report(service, isBalancedHere(service) ? 'balancer' : 'node', said);
      return { requeueAfterMs: said ? retryMs : slowMs };
    }
    if (conflicts.length > 0) return { requeueAfterMs: retryMs };
  }

  const concerns = (service: Service): boolean =>
    service.spec?.type === 'NodePort' || service.spec?.type === 'LoadBalancer';
  const changed = (): void => {
    for (const service of services.list()) if (concerns(service)) queue.add(keyOf(service));
    for (const pod of pods.list(systemNamespace)) if (ours(pod)) queue.add(serviceOf(pod));
  };

  return {
    changed,
    start() {
      controller = runController({ name: 'host-ports', queue, workers: 2, clock, log, reconciler: { reconcile } });
      const touch = (pod: Pod): void => void (ours(pod) && queue.add(serviceOf(pod)));
      removals.push(
        services.on({
          add: (service) => concerns(service) && queue.add(keyOf(service)),
          update: (service, old) => (concerns(service) || concerns(old)) && queue.add(keyOf(service)),
          delete: (service) => concerns(service) && queue.add(keyOf(service)),
        }),
        pods.on({ add: touch, update: touch, delete: touch }),
      );
    },
    async stop() {
      for (const remove of removals) remove();
      queue.close();
      await controller?.stop();
      await recorder.flushed();
    },
  };
}
