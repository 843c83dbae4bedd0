import type { Node, Pod } from '@shared/k8s';
import { runController, type RunningController } from '../client/controller';
import { createEventRecorder } from '../client/events';
import { resources } from '../client/resources';
import { WorkQueue } from '../client/workqueue';
import { addressFromEnd } from './addresses';
import { createAddons, systemNamespace } from './addons';
import { createExternalRoutes } from './external-routes';
import { imageFiles, type ImageFile } from './image-files';
import { createIngressController } from './ingress';
import { createHostPorts } from './host-ports';
import { createNodeImage } from './node-image';
import { contains, isAddress } from './policy/cidr';
import { createLink } from './reach/link';
import { createRules, isRouter, runningRouter } from './rules';
import type { HostAddress, ServiceProxy, ServiceProxyOptions } from './types';

export type { PodSandboxes } from './external-routes';
export type { HostAddress, Routing, ServiceProxy, ServiceProxyEngine, ServiceProxyOptions } from './types';

const serviceCidr = '10.96.0.0/16';
const dnsIp = '10.96.0.10';
const clusterDomain = 'cluster.local';
/** Changes that come together are one; and at most five times a second, or half of the time, is anything written. */
const settleMs = 20;
const paceMs = 200;

/** See ServiceProxy. */
export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const { client, informers, engine, clock, log } = options;
  const recorder = createEventRecorder({ client, clock, log, component: 'kube-proxy' });
  const queue = new WorkQueue(clock);
  /** When the next run of a key may begin. */
  const earliest = new Map<string, number>();
  const removals: (() => void)[] = [];
  let started = false;
  let controller: RunningController | undefined;
  /** By place, some of which nobody has. */
  let places: readonly (string | undefined)[] = [];
  let nodes: string[] = [];
  let subnet: string | undefined;
  let gateway = '';
  let stopped = false;

  const touch = (key: 'objects' | 'records' | 'rules'): void => {
    queue.addAfter(key, Math.max(settleMs, (earliest.get(key) ?? 0) - clock.now()));
  };

  let files: ImageFile[] | undefined;
  const image = createNodeImage({
    engine,
    files: () => (files ??= [...imageFiles, { name: 'pause', data: options.sandboxProgram(), executable: true }]),
    reference: options.nodeImage,
    tasks: options.tasks,
    clock,
    log,
    onReady: () => {
      for (const key of ['objects', 'records', 'rules'] as const) touch(key);
      ingress.touch();
      hostPorts.changed();
    },
    onFailed(message) {
      const text = `Services and cluster DNS wait for the node image, which could not be made: ${message}`;
      for (const name of nodes) {
        const node = informers.informer<Node>(resources.nodes).get(undefined, name);
        if (node) recorder.event(node, 'Warning', 'NodeImageBuildFailed', text);
      }
    },
  });

  const routerOf = (node: string): string | undefined => {
    const index = places.indexOf(node);
    return subnet && index >= 0 ? addressFromEnd(subnet, index) : undefined;
  };

  /** Pods come here by an address in their network, and through a system container where this machine has none. */
  async function offerHost(address: HostAddress): Promise<void> {
    await options.onHostAddress?.(address).catch((error: Error) => bringPods(error.message));
  }

  function bringPods(reason: string): void {
    if (stopped || options.apiPort === undefined) return;
    log.info('pods reach the API through the engine', { reason });
    link.bring(options.apiPort, (place) => {
      options.onHostAddress?.({ ...place, forwarded: true }).catch((error: Error) => {
        log.warn('pods cannot reach the API', { error });
      });
    });
  }

  async function findNetwork(): Promise<void> {
    const network = await engine.ensureNetwork();
    subnet = network.range ? network.subnet : undefined;
    const moved = network.gateway !== gateway;
    if (moved) link.changed();
    gateway = network.gateway;
    if (moved && options.machine.hasGateway()) void offerHost({ ip: gateway, forwarded: false });
    if (!subnet)
      log.warn('services are not routed: the cluster network was made without room for fixed addresses', {
        remedy: 'delete the cluster and start it again',
      });
  }

  const addons = createAddons({
    client,
    informers,
    clusterDomain,
    dnsIp,
    serviceCidr,
    subnet: () => subnet,
    image: () => (subnet ? image.ready() : undefined),
    routers: () =>
      nodes.flatMap((node) => {
        const address = routerOf(node);
        return address ? [{ node, address }] : [];
      }),
  });
  const hostPorts = createHostPorts({
    client,
    informers,
    portInUse: (port, protocol) => options.machine.portInUse(port, protocol),
    place() {
      const [node] = nodes;
      const router = node && routerOf(node);
      const reference = image.ready();
      if (!reference || !router) return undefined;
      return { image: reference, node, router, ...(options.machine.hasGateway() ? { nodeAddress: gateway } : {}) };
    },
    clock,
    log,
  });
  const externalRoutes = createExternalRoutes({ informers, sandboxes: options.sandboxes, routerOf, clock, log });
  const rules = createRules({
    client,
    informers,
    serviceCidr,
    recorder,
    clock,
    log,
    onNewRouter(run) {
      link.look();
      return findHost(run);
    },
  });

  /** Where the network's gateway is no address of this machine, the engine has a name for it. */
  async function findHost(run: (command: string[]) => Promise<string>): Promise<void> {
    if (options.machine.hasGateway()) return;
    const ip = /^\d+(\.\d+){3}/.exec(await run(['sh', '-c', 'getent ahostsv4 host.docker.internal || true']))?.[0];
    if (ip) await offerHost({ ip, forwarded: true });
    else bringPods('the engine does not say how containers reach this machine');
  }

  const link = createLink({
    client,
    informers,
    mode: options.reach ?? 'auto',
    inNetwork: (host) => subnet !== undefined && isAddress(host) && contains(subnet, host),
    node: () => nodes[0],
    clock,
    log,
  });
  const ingress = createIngressController({
    client,
    informers,
    image: () => image.ready(),
    ports: options.ingressPorts,
    clock,
    log: log.child('ingress'),
  });

  function follow(): void {
    const on = (resource: Parameters<typeof informers.informer>[0], changed: () => void): void =>
      void removals.push(informers.informer(resource).on({ add: changed, update: changed, delete: changed }));
    const traffic = (): void => {
      touch('rules');
      touch('records');
    };
    on(resources.endpointSlices, traffic);
    on(resources.services, () => {
      traffic();
      touch('objects');
    });
    on(resources.namespaces, () => touch('objects'));
    const ours = (object: { metadata: { namespace?: string } }): boolean =>
      object.metadata.namespace === systemNamespace;
    const objects = (object: { metadata: { namespace?: string } }): void => {
      if (ours(object)) touch('objects');
    };
    removals.push(
      informers.informer(resources.deployments).on({ add: objects, update: objects, delete: objects }),
      informers.informer(resources.configMaps).on({
        delete: (object) => ours(object) && touch('records'),
      }),
      informers.informer<Pod>(resources.pods).on({
        add(pod) {
          if (pod.status?.podIP) touch('records');
          if (isRouter(pod)) touch('rules');
        },
        update(pod, old) {
          if (pod.status?.podIP !== old.status?.podIP || pod.status?.phase !== old.status?.phase) touch('records');
          if (!isRouter(pod)) return;
          if (runningRouter(pod) !== runningRouter(old)) touch('rules');
          if (pod.status?.phase !== old.status?.phase) touch('objects');
        },
        delete(pod) {
          if (pod.status?.podIP) touch('records');
          if (isRouter(pod)) touch('objects');
        },
      }),
    );
  }

  function setNodes(named: readonly (string | undefined)[]): void {
    places = [...named];
    nodes = places.filter((name) => name !== undefined);
    if (!started) return;
    for (const key of ['objects', 'rules'] as const) touch(key);
    hostPorts.changed();
  }

  return {
    setNodes,
    async prepare(named) {
      setNodes(named);
      try {
        await findNetwork();
        await image.look();
      } catch (error) {
        log.debug('the engine could not be asked about services yet', { error: error as Error });
      }
    },
    async start() {
      if (started || stopped) return;
      started = true;
      await informers.start();
      if (stopped) return;
      controller = runController({
        name: 'service-proxy',
        queue,
        workers: 3,
        clock,
        log,
        reconciler: {
          async reconcile(key) {
            const from = clock.now();
            earliest.set(key, from + paceMs);
            if (!subnet) await findNetwork();
            if (key === 'objects') await addons.ensureObjects();
            else if (key === 'records') await addons.ensureRecords();
            else {
              await options.guardRouters?.();
              await rules.apply();
            }
            earliest.set(key, Math.max(from + paceMs, 2 * clock.now() - from));
          },
        },
      });
      follow();
      hostPorts.start();
      link.start();
      externalRoutes.start();
      touch('objects');
      ingress.start();
      image.start();
    },
    routing(node) {
      const reference = image.ready();
      const routerIp = routerOf(node);
      if (!reference || !routerIp) return undefined;
      return { image: reference, routerIp, serviceCidr, clusterDns: [dnsIp], externalIps: externalRoutes.addresses() };
    },
    network() {
      const routers = nodes.flatMap((node) => routerOf(node) ?? []);
      return image.ready() && routers.length > 0 ? { gateway, routers, serviceCidr } : undefined;
    },
    dial: (node) => link.dial(node),
    engineChanged: () => link.changed(),
    async stop() {
      stopped = true;
      for (const remove of removals) remove();
      await image.stop();
      queue.close();
      await ingress.stop();
      await controller?.stop();
      await hostPorts.stop();
      await link.stop();
      await externalRoutes.stop();
      await recorder.flushed();
    },
  };
}
