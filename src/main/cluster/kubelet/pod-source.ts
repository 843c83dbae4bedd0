import type { Pod } from '@shared/k8s';
import { resources } from '../client/resources';
import type { Informer, InformerFactory } from '../client/types';

export interface PodHandler {
  /** Bound to the node, or changed. */
  upsert(pod: Pod, old: Pod | undefined): void;
  remove(pod: Pod): void;
}

interface Router {
  informer: Informer<Pod>;
  handlers: Map<string, PodHandler>;
}

const index = 'kubelet/nodeName';

/** One per factory: with a thousand nodes every event would otherwise be offered a thousand times. */
const routers = new WeakMap<InformerFactory, Router>();

function routerOf(informers: InformerFactory): Router {
  const known = routers.get(informers);
  if (known) return known;
  const informer = informers.informer(resources.pods);
  const handlers = new Map<string, PodHandler>();
  informer.addIndex(index, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : []));
  const handlerOf = (pod: Pod): PodHandler | undefined => handlers.get(pod.spec?.nodeName ?? '');
  informer.on({
    add: (pod) => handlerOf(pod)?.upsert(pod, undefined),
    update: (pod, old) => {
      // The same name with another uid is another pod; its predecessor is gone.
      if (old.metadata.uid !== pod.metadata.uid) handlerOf(old)?.remove(old);
      handlerOf(pod)?.upsert(pod, old.metadata.uid === pod.metadata.uid ? old : undefined);
    },
    delete: (pod) => handlerOf(pod)?.remove(pod),
  });
  const router = { informer, handlers };
  routers.set(informers, router);
  return router;
}

export interface NodePods {
  list(): Pod[];
  get(namespace: string, name: string): Pod | undefined;
  synced: Promise<void>;
  /** Delivers changes from now on, after one upsert for each pod that is there. */
  follow(handler: PodHandler): () => void;
}

/** The pods bound to one node. Ask before the factory is started. */
export function podsOfNode(informers: InformerFactory, nodeName: string): NodePods {
  const router = routerOf(informers);
  return {
    list: () => router.informer.byIndex(index, nodeName),
    get(namespace, name) {
      const pod = router.informer.get(namespace, name);
      return pod?.spec?.nodeName === nodeName ? pod : undefined;
    },
    synced: router.informer.synced,
    follow(handler) {
      for (const pod of router.informer.byIndex(index, nodeName)) handler.upsert(pod, undefined);
      router.handlers.set(nodeName, handler);
      return () => void router.handlers.delete(nodeName);
    },
  };
}
