import type { Pod, Service } from '@shared/k8s';
import { runController, type RunningController } from '../client/controller';
import { resources } from '../client/resources';
import type { InformerFactory } from '../client/types';
import { WorkQueue } from '../client/workqueue';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import { isRouter } from './rules';
import { isIpv4 } from './services';

/** The network namespaces of pods that run, where routes can be set. */
export interface PodSandboxes {
  /** Sandbox ids by uid of the pod. */
  list(): Promise<Map<string, string>>;
  /** Runs a shell script in one. @returns false when it is gone @throws Error with what it said when it failed */
  script(sandboxId: string, text: string): Promise<boolean>;
}

export interface ExternalRoutesOptions {
  informers: InformerFactory;
  sandboxes: PodSandboxes;
  /** The address of a node's router. */
  routerOf(node: string): string | undefined;
  clock: Clock;
  log: Logger;
}

/**
 * Leads pods to the external addresses of Services, which are outside the range that
 * all pods have a route to. New pods get theirs with their sandbox (`addresses`), those that run are told here.
 */
export interface ExternalRoutes {
  addresses(): string[];
  /** Its informers must have been started. */
  start(): void;
  stop(): Promise<void>;
}

const settleMs = 50;
const key = 'routes';

/** See ExternalRoutes. Its informers are asked for here. */
export function createExternalRoutes(options: ExternalRoutesOptions): ExternalRoutes {
  const { informers, sandboxes, clock, log } = options;
  const services = informers.informer<Service>(resources.services);
  const pods = informers.informer<Pod>(resources.pods);
  const queue = new WorkQueue(clock);
  const removals: (() => void)[] = [];
  /** What this run has told each sandbox. */
  const told = new Map<string, readonly string[]>();
  let controller: RunningController | undefined;

  const ipsOf = ({ spec }: Service): string[] => (spec?.externalIPs ?? []).filter(isIpv4);
  const addresses = (): string[] => [...new Set(services.list().flatMap(ipsOf))].sort();
  const touch = (): void => queue.addAfter(key, settleMs);

  async function tell(pod: Pod, id: string, wanted: readonly string[]): Promise<void> {
    const router = options.routerOf(pod.spec?.nodeName ?? '');
    const before = told.get(id) ?? [];
    if (!router || (told.has(id) && before.join() === wanted.join())) return;
    const lines = [
      ...before
        .filter((ip) => !wanted.includes(ip))
        .map((ip) => `ip route del ${ip} via ${router} 2>/dev/null || true`),
      ...wanted.map((ip) => `ip route replace ${ip} via ${router}`),
    ];
    if (lines.length > 0 && !(await sandboxes.script(id, ['set -e', ...lines].join('\n')))) return;
    told.set(id, wanted);
  }

  async function reconcile(): Promise<void> {
    const wanted = addresses();
    if (wanted.length === 0 && told.size === 0) return;
    const running = await sandboxes.list();
    const ids = new Set(running.values());
    for (const id of told.keys()) if (!ids.has(id)) told.delete(id);
    for (const pod of pods.list()) {
      const id = running.get(pod.metadata.uid);
      if (!id || pod.spec?.hostNetwork || isRouter(pod)) continue;
      try {
        await tell(pod, id, wanted);
      } catch (error) {
        // One from before the node image was there has nothing to set routes with, and will not have.
        log.debug('a pod has no route to external addresses of services', {
          pod: pod.metadata.name,
          error: error as Error,
        });
      }
    }
  }

  return {
    addresses,
    start() {
      controller = runController({ name: 'external-routes', queue, clock, log, reconciler: { reconcile } });
      removals.push(
        services.on({
          add: (service) => ipsOf(service).length > 0 && touch(),
          update: (service, old) => ipsOf(service).join() !== ipsOf(old).join() && touch(),
          delete: (service) => ipsOf(service).length > 0 && touch(),
        }),
        // Its sandbox may have been made just before the address was known.
        pods.on({ update: (pod, old) => pod.status?.podIP !== old.status?.podIP && addresses().length > 0 && touch() }),
      );
    },
    async stop() {
      for (const remove of removals) remove();
      queue.close();
      await controller?.stop();
    },
  };
}
