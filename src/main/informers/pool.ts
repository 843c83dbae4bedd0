import type { Freshness } from '@shared/bridge/contract';
import type { KubeObject } from '@shared/k8s';
import { createClient } from '../cluster/client/client';
import { createInformerFactory } from '../cluster/client/informer';
import type { KubeTransport } from '../cluster/client/transport';
import type { Informer, InformerFactory, ResourceRef } from '../cluster/client/types';
import type { Clock, Timer } from '../cluster/clock';
import type { Logger } from '../cluster/log';
import { FreshnessTracker } from './freshness';

/** How long a cache that nobody looks at is kept, in ms: going back to a list shows it at once. */
const LINGER = 30_000;

export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** The use of a shared cache, until released. */
export interface Lease<T extends KubeObject = KubeObject> {
  informer: Informer<T>;
  freshness(): Freshness;
  onFreshness(listener: () => void): () => void;
  release(): void;
}

export interface InformerPool {
  acquire<T extends KubeObject>(cluster: string, ref: ResourceRef<T>, selection?: Selection): Lease<T>;
  /** Drops the caches of a cluster, e.g. because its kubeconfig changed. Leases in use go on with the old. */
  forget(cluster: string): void;
  close(): void;
}

interface Entry {
  cluster: string;
  factory: InformerFactory;
  informer: Informer;
  tracker: FreshnessTracker;
  users: number;
  timer?: Timer;
}

/** List+watch caches, one per (cluster, resource, namespace, selectors), shared by all who look. */
export function createInformerPool(options: {
  clock: Clock;
  log: Logger;
  transportFor: (cluster: string) => KubeTransport;
  explain: (error: unknown) => string;
}): InformerPool {
  const { clock, log, transportFor, explain } = options;
  const entries = new Map<string, Entry>();
  const drop = (key: string, entry: Entry) => {
    entry.factory.stop();
    if (entries.get(key) === entry) entries.delete(key);
  };

  const make = (cluster: string, ref: ResourceRef, selection: Selection): Entry => {
    const tracker = new FreshnessTracker(clock, explain);
    const client = createClient(tracker.observe(transportFor(cluster)));
    const factory = createInformerFactory({ client, clock, log: log.child(cluster) });
    const informer = factory.informer(ref, selection);
    void factory.start();
    return { cluster, factory, informer, tracker, users: 0 };
  };

  return {
    acquire<T extends KubeObject>(cluster: string, ref: ResourceRef<T>, selection: Selection = {}) {
      const { namespace, labelSelector, fieldSelector } = selection;
      const key = JSON.stringify([
        cluster,
        ref.group,
        ref.version,
        ref.plural,
        namespace,
        labelSelector,
        fieldSelector,
      ]);
      const entry = entries.get(key) ?? make(cluster, ref, selection);
      entries.set(key, entry);
      entry.users += 1;
      entry.timer?.cancel();
      let held = true;
      return {
        informer: entry.informer as Informer<T>,
        freshness: () => entry.tracker.value,
        onFreshness: (listener) => entry.tracker.on(listener),
        release() {
          if (!held) return;
          held = false;
          entry.users -= 1;
          if (entry.users === 0) entry.timer = clock.setTimeout(() => drop(key, entry), LINGER);
        },
      };
    },
    forget(cluster) {
      for (const [key, entry] of entries) {
        if (entry.cluster !== cluster) continue;
        if (entry.users === 0) {
          entry.timer?.cancel();
          drop(key, entry);
        } else entries.delete(key);
      }
    },
    close() {
      for (const [key, entry] of entries) {
        entry.timer?.cancel();
        drop(key, entry);
      }
    },
  };
}
