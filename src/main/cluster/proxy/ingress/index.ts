import type { Deployment, EndpointSlice, Ingress, IngressClass, KubeObject, Pod, Secret, Service } from '@shared/k8s';
import { runController, type RunningController } from '../../client/controller';
import { createEventRecorder } from '../../client/events';
import { resources } from '../../client/resources';
import type { InformerFactory, KubeClient, ResourceRef } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { Clock } from '../../clock';
import type { Logger } from '../../log';
import { controllerName, createAddon, isController } from './addon';
import { createBackends } from './backends';
import { ensureIngressClass, ingressesServed } from './classes';
import { ensureDefaultCertificate } from './default-certificate';
import { addIngresses } from './from-ingress';
import { createGateways } from './gateway';
import { portIsFree, type HostPorts, type PortCheck } from './host-ports';
import { Loader } from './loader';
import type { Finding } from './model';
import { render } from './render';
import { SiteBuilder } from './site-builder';
import { tellAddress } from './status';
import { Findings } from './tell';

export interface IngressOptions {
  client: KubeClient;
  informers: InformerFactory;
  /** The node image, once it is there. */
  image(): string | undefined;
  /** Ports of this machine that were asked for; 0 is any, absent the usual ones first. */
  ports?: Partial<HostPorts>;
  isPortFree?: PortCheck;
  clock: Clock;
  log: Logger;
}

/**
 * Serves Ingresses of the class `nginx` and Gateways of the class `gantry` with an nginx that runs as a pod in
 * kube-system. The pod is made when there is the first Ingress, and goes on
 * serving what it was told last while the app is closed.
 */
export interface IngressController {
  /** Begins to follow; after the informers were started. */
  start(): void;
  /** Something it does not follow has changed. */
  touch(): void;
  /** Stops following; nginx keeps running. */
  stop(): Promise<void>;
}

/** Changes that come together are one; and at most five times a second is anything written. */
const settleMs = 20;
const paceMs = 200;
/** How often a pod that does not come up is looked at. */
const startingMs = 1000;
const key = 'site';

/** See IngressController. Its informers are asked for here. */
export function createIngressController(options: IngressOptions): IngressController {
  const { client, informers, clock, log } = options;
  const recorder = createEventRecorder({ client, clock, log, component: 'nginx-ingress-controller' });
  const told = new Findings(recorder);
  const queue = new WorkQueue(clock);
  const ingresses = informers.informer<Ingress>(resources.ingresses);
  const classes = informers.informer<IngressClass>(resources.ingressClasses);
  const services = informers.informer<Service>(resources.services);
  const slices = informers.informer<EndpointSlice>(resources.endpointSlices);
  const secrets = informers.informer<Secret>(resources.secrets);
  const secret = (namespace: string, name: string): Secret | undefined => secrets.get(namespace, name);
  const isFree = options.isPortFree ?? portIsFree;
  const addon = createAddon({ client, informers, wanted: options.ports ?? {}, isFree, log });
  const loader = new Loader(client, clock, addon);
  const removals: (() => void)[] = [];
  let controller: RunningController | undefined;
  let classEnsured = false;
  let earliest = 0;

  const touch: () => void = () => queue.addAfter(key, Math.max(settleMs, earliest - clock.now()));

  const gateways = createGateways({ client, informers, clock, log, changed: () => touch() });

  async function reconcile(): Promise<{ requeueAfterMs?: number } | void> {
    earliest = clock.now() + paceMs;
    if (!classEnsured) await ensureIngressClass(client, classes.list());
    classEnsured = true;
    const own = ingressesServed(ingresses.list(), classes.list());
    const image = options.image();
    // Nothing runs for a cluster without Ingresses.
    const wanted = own.length > 0 || gateways.served().length > 0 || addon.ports() !== undefined;
    if (!image || !wanted) return gateways.tell(false);
    const ports = await addon.ensure(image);
    const backends = createBackends((namespace, name) => services.get(namespace, name), slices.list());
    const sources = { backends, secret, ports, isRefused: (object: KubeObject) => loader.isRefused(object) };
    if (addon.running().size === 0) {
      gateways.add(new SiteBuilder(), sources);
      await gateways.tell(false);
      return { requeueAfterMs: startingMs };
    }
    const pem = await ensureDefaultCertificate(client, secret, clock.now());
    let findings: Finding[] = [];
    let served: Ingress[] = [];
    await loader.load(() => {
      const site = new SiteBuilder();
      served = own.filter((ingress) => !loader.isRefused(ingress));
      findings = addIngresses(site, served, sources);
      gateways.add(site, sources);
      const configuration = render(site.build(), pem, ports);
      for (const { object, message } of configuration.unfit)
        findings.push({ object, reason: 'Rejected', message: `a path of it is not served: ${message}` });
      return configuration;
    });
    told.tell([
      ...findings,
      ...loader.findings([...own, ...gateways.routes()]),
      ...served.map((object) => ({ object, type: 'Normal' as const, reason: 'Sync', message: 'Scheduled for sync' })),
    ]);
    for (const ingress of served) await tellAddress(client, ingress, ports);
    await gateways.tell(true);
  }

  function follow(): void {
    const on = (resource: ResourceRef, concerns: (object: any) => boolean = () => true): void => {
      const changed = (object: object): void => void (concerns(object) && touch());
      removals.push(informers.informer(resource).on({ add: changed, update: changed, delete: changed }));
    };
    const active = (): boolean => addon.ports() !== undefined;
    on(resources.ingresses);
    on(resources.ingressClasses);
    on(resources.services, active);
    on(resources.endpointSlices, active);
    on(resources.secrets, ({ type }: Secret) => active() && type === 'kubernetes.io/tls');
    on(resources.deployments, ({ metadata }: Deployment) => metadata.name === controllerName);
    on(resources.pods, (pod: Pod) => isController(pod));
  }

  return {
    start() {
      if (controller) return;
      controller = runController({ name: 'ingress', queue, clock, log, reconciler: { reconcile } });
      follow();
      touch();
    },
    touch,
    async stop() {
      gateways.stop();
      for (const remove of removals) remove();
      queue.close();
      await controller?.stop();
      await recorder.flushed();
    },
  };
}
