import type { KubeObject, Namespace, Secret } from '@shared/k8s';
import { isTrue, type CustomResourceDefinition } from '../../../api/apiextensions/types';
import { isAlreadyExists } from '../../../client/controller';
import { resources } from '../../../client/resources';
import type { Informer, InformerFactory, KubeClient, ResourceRef } from '../../../client/types';
import type { Clock } from '../../../clock';
import type { Logger } from '../../../log';
import type { Backends } from '../backends';
import type { HostPorts } from '../host-ports';
import type { SiteBuilder } from '../site-builder';
import { attachRoutes, type Attachment } from './attach';
import { listenersOf, type KnownListener } from './listeners';
import { gatewayController, GatewayStatus } from './status';
import {
  gatewayGroup,
  gatewayResources,
  type Gateway,
  type GatewayClass,
  type HttpRoute,
  type ReferenceGrant,
} from './types';

const className = 'gantry';

/** What the Gateway API's objects ask for. */
export interface Gateways {
  /** The Gateways of our classes. */
  served(): Gateway[];
  routes(): HttpRoute[];
  /** Adds them to a site. May be called again for another. */
  add(
    site: SiteBuilder,
    sources: {
      backends: Backends;
      secret(namespace: string, name: string): Secret | undefined;
      ports: HostPorts;
      isRefused(object: KubeObject): boolean;
    },
  ): void;
  /** Writes the statuses of what was added last. */
  tell(serving: boolean): Promise<void>;
  stop(): void;
}

interface Caches {
  classes: Informer<GatewayClass>;
  gateways: Informer<Gateway>;
  routes: Informer<HttpRoute>;
  grants: Informer<ReferenceGrant>;
}

/**
 * Follows the Gateway API's kinds from when they are defined. Its informers are
 * asked for here. @param changed is called for everything that may make a difference
 */
export function createGateways(options: {
  client: KubeClient;
  informers: InformerFactory;
  clock: Clock;
  log: Logger;
  changed(): void;
}): Gateways {
  const { client, informers, clock, log, changed } = options;
  const definitions = informers.informer<CustomResourceDefinition>(resources.customResourceDefinitions);
  const namespaces = informers.informer<Namespace>(resources.namespaces);
  const status = new GatewayStatus(client, () => clock.now());
  const removals: (() => void)[] = [];
  const defined = new Set<string>();
  let caches: Caches | undefined;
  let listeners: KnownListener[] = [];
  let attachments: Attachment[] = [];
  let attached = new Map<KnownListener, number>();
  let stopped = false;

  function follow<T extends KubeObject>(ref: ResourceRef<T>): Informer<T> {
    const informer = informers.informer(ref);
    removals.push(informer.on({ add: changed, update: changed, delete: changed }));
    return informer;
  }

  async function begin(): Promise<void> {
    const { classes, gateways, routes, grants } = gatewayResources;
    const found: Caches = {
      classes: follow(classes),
      gateways: follow(gateways),
      routes: follow(routes),
      grants: follow(grants),
    };
    await informers.start();
    caches = found;
    if (!found.classes.get(undefined, className)) {
      const object = {
        metadata: { name: className },
        spec: { controllerName: gatewayController },
      } as unknown as KubeObject;
      await client.create(classes, object).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    }
    changed();
  }

  const wanted = Object.values(gatewayResources);
  const defines = (crd: CustomResourceDefinition): void => {
    const ref = wanted.find(({ plural }) => crd.metadata.name === `${plural}.${gatewayGroup}`);
    if (
      !ref ||
      stopped ||
      !isTrue(crd, 'Established') ||
      !crd.spec.versions.some((one) => one.name === ref.version && one.served)
    )
      return;
    if (defined.has(ref.plural)) return;
    defined.add(ref.plural);
    if (defined.size === wanted.length)
      begin().catch((error: Error) => stopped || log.warn('the Gateway API is not served', { error }));
  };
  removals.push(definitions.on({ add: defines, update: defines }));

  const ownClasses = (): GatewayClass[] =>
    (caches?.classes.list() ?? []).filter(({ spec }) => spec.controllerName === gatewayController);
  const served = (): Gateway[] => {
    const own = new Set(ownClasses().map(({ metadata }) => metadata.name));
    return (caches?.gateways.list() ?? []).filter(
      ({ metadata, spec }) => own.has(spec.gatewayClassName) && !metadata.deletionTimestamp,
    );
  };
  const routes = (): HttpRoute[] => (caches?.routes.list() ?? []).filter(({ metadata }) => !metadata.deletionTimestamp);

  return {
    served,
    routes,
    add(site, { isRefused, ...sources }) {
      const grants = caches?.grants.list() ?? [];
      listeners = served().flatMap((gateway) => listenersOf(gateway, { ...sources, grants }));
      attached = new Map();
      const namespace = (name: string): Namespace | undefined => namespaces.get(undefined, name);
      const taken = routes().filter((route) => !isRefused(route));
      attachments = attachRoutes(taken, listeners, { ...sources, site, grants, namespace }, attached);
    },
    async tell(serving) {
      for (const one of ownClasses()) await status.ofClass(one);
      for (const gateway of served()) {
        const own = listeners.filter((known) => known.gateway.metadata.uid === gateway.metadata.uid);
        // It came after the last look, and brings the next.
        if (own.length === 0) continue;
        await status.ofGateway(gateway, own, attached, serving);
      }
      for (const route of routes())
        await status.ofRoute(
          route,
          attachments.filter((one) => one.route.metadata.uid === route.metadata.uid),
        );
    },
    stop() {
      stopped = true;
      for (const remove of removals) remove();
    },
  };
}
