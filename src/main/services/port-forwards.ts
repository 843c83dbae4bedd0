import type { ParamsOf, PortForward } from '@shared/bridge/contract';
import type { KubeList, KubeObject, Pod } from '@shared/k8s';
import { kindView } from '@shared/kinds';
import type { KubeTransport } from '../cluster/client/transport';
import type { Clock } from '../cluster/clock';
import { latest } from '../informers/flow';
import { forwardPort, remotePort, type Forwarding } from '../kubectl/forward';
import { activity, podSelectorOf } from '../kubectl/pods';
import { errorText, ServiceError } from './errors';
import { collectionPath, objectPath } from './resources';
import type { Methods } from './types';

type Start = ParamsOf<'portForward.start'>;

const podResource = { group: '', version: 'v1', plural: 'pods' };
const address = '127.0.0.1';

const isRunning = (pod: Pod): boolean => pod.status?.phase === 'Running' && !pod.metadata.deletionTimestamp;

/** Ports of this machine that lead into clusters, until they are stopped or the app ends. */
export interface PortForwards {
  methods: Pick<Methods, 'portForward.start' | 'portForward.stop'>;
  /** Those of a cluster, now and whenever something about them changes. */
  stream(cluster: string, signal: AbortSignal): AsyncGenerator<PortForward[]>;
  close(): void;
}

/** See PortForwards. */
export function createPortForwards(options: {
  transportFor: (cluster: string) => KubeTransport;
  clock: Clock;
}): PortForwards {
  const { transportFor, clock } = options;
  const forwards = new Map<string, { shown: PortForward; forwarding: Forwarding }>();
  const listeners = new Set<() => void>();
  let count = 0;
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  /** The pod to talk to with its port, and what chooses it. @throws Error in words for the user */
  async function findPod({ cluster, kind, namespace, name, port }: Start): Promise<{ pod: Pod; remote: number }> {
    const transport = transportFor(cluster);
    const get = async <T>(path: string, query?: Record<string, string>): Promise<T> =>
      (await transport.request({ method: 'GET', path, ...(query ? { query } : {}) })).body as T;
    const view = kindView(kind)!;
    const object = await get<KubeObject>(objectPath({ resource: view, namespace, name }));
    let pod = object as Pod;
    if (kind !== 'pods') {
      const query = { labelSelector: podSelectorOf(object) };
      const list = await get<KubeList<Pod>>(collectionPath(podResource, namespace), query);
      const best = list.items.filter(isRunning).sort((a, b) => activity(a) - activity(b))[0];
      if (!best) throw new ServiceError('Conflict', `No pod of ${view.kind} ${name} is running.`);
      pod = best;
    }
    if (!isRunning(pod)) throw new ServiceError('Conflict', `Pod ${name} is not running.`);
    return { pod, remote: remotePort(String(port), pod, kind === 'services' ? object : undefined).remote };
  }

  return {
    methods: {
      async 'portForward.start'(params) {
        const same = [...forwards.values()].find(
          ({ shown }) =>
            shown.cluster === params.cluster &&
            shown.kind === params.kind &&
            shown.namespace === params.namespace &&
            shown.name === params.name &&
            shown.port === params.port &&
            (params.localPort === 0 || shown.localPort === params.localPort),
        );
        if (same) return same.shown;
        let found = await findPod(params);
        const id = String(++count);
        const update = (change: Partial<PortForward>): void => {
          const entry = forwards.get(id);
          if (!entry) return;
          entry.shown = { ...entry.shown, ...change };
          changed();
        };
        const forwarding = await forwardPort({
          address,
          port: params.localPort,
          async dial() {
            // Pods come and go; what leads to them stays.
            if (params.kind !== 'pods') found = await findPod(params);
            const { pod, remote } = found;
            const { namespace, name } = pod.metadata;
            const stream = await transportFor(params.cluster).portForward(namespace!, name, remote);
            const { connections } = forwards.get(id)!.shown;
            update({ pod: name, connections: connections + 1, error: undefined });
            return stream;
          },
          onFailure: (error) => update({ error: errorText(error) }),
        }).catch((error: NodeJS.ErrnoException) => {
          const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
          if (!taken) throw error;
          const why = error.code === 'EACCES' ? 'may not be opened' : 'is already in use';
          throw new ServiceError('Conflict', `Port ${params.localPort} of this machine ${why}.`, {
            hint: 'Choose another one, or leave it empty for any free one.',
          });
        });
        const shown: PortForward = {
          ...params,
          id,
          pod: found.pod.metadata.name,
          address,
          localPort: forwarding.port,
          connections: 0,
          startedAt: clock.now(),
        };
        forwards.set(id, { shown, forwarding });
        changed();
        return shown;
      },
      async 'portForward.stop'({ id }) {
        forwards.get(id)?.forwarding.close();
        if (forwards.delete(id)) changed();
      },
    },
    stream: (cluster, signal) =>
      latest({
        read: () => [...forwards.values()].map(({ shown }) => shown).filter((shown) => shown.cluster === cluster),
        subscribe(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        signal,
        clock,
      }),
    close() {
      for (const { forwarding } of forwards.values()) forwarding.close();
      forwards.clear();
    },
  };
}
