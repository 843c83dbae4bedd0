/** A cluster without nodes for unit tests: the real API server on a memory store, in-process, on a clock that stands still. */
import { kinds } from '../../src/main/cluster/api';
import { loadSchema } from '../../src/main/cluster/api/schema';
import { createNodeConnections } from '../../src/main/cluster/apiserver/nodes';
import { createApiServer, type ApiServerOptions } from '../../src/main/cluster/apiserver/server';
import { createClient } from '../../src/main/cluster/client/client';
import { createInProcessTransport } from '../../src/main/cluster/client/in-process';
import type { KubeRequest, KubeWatch } from '../../src/main/cluster/client/transport';
import { createInformerFactory } from '../../src/main/cluster/client/informer';
import { resources } from '../../src/main/cluster/client/resources';
import type { InformerFactory, KubeClient } from '../../src/main/cluster/client/types';
import { FakeClock, timestamp } from '../../src/main/cluster/clock';
import { createControllers, type Controllers, type ControllerSettings } from '../../src/main/cluster/controllers';
import { createLogger, type Logger } from '../../src/main/cluster/log';
import { openMemoryStore, type Store } from '../../src/main/cluster/store';
import type { Event, KubeObject, Pod } from '../../src/shared/k8s';

export interface Testbed {
  clock: FakeClock;
  store: Store;
  client: KubeClient;
  informers: InformerFactory;
  controllers: Controllers;
  /** Warnings and errors of all controllers. */
  problems: string[];
  /** Sees every request of the controllers first; what it throws is what they get, and what it promises they wait for. */
  intercept: ((request: KubeRequest) => void | Promise<void>) | undefined;
  /** Answers requests of the controllers in the API server's place; undefined leaves it to that. */
  answer: ((request: KubeRequest) => unknown) | undefined;
  /** Holds back an event of a watched path from the controllers' caches until the promise resolves. */
  lag: ((path: string) => Promise<void> | undefined) | undefined;
  /** Waits until nobody writes any more. */
  settle(): Promise<void>;
  /** Moves time on, then settles. */
  advance(ms: number): Promise<void>;
  /** Applies the change to a fresh copy and updates. */
  edit<T extends KubeObject>(
    ref: Parameters<KubeClient['get']>[0],
    name: string,
    change: (draft: T) => void,
  ): Promise<T>;
  /** Writes a pod's status as a kubelet does for one that runs (and is ready). */
  run(pod: Pod, ready?: boolean): Promise<Pod>;
  /** Plays the kubelet for every pod that passes: runs it at once and ends it when it is deleted. */
  play(runs?: (pod: Pod) => boolean): () => void;
  /** `REASON: message` of an object's events in the order of their names. */
  events(name: string): Promise<string[]>;
  stop(): void;
}

const log = (problems: string[]): Logger => createLogger('test', 'warn', (line) => void problems.push(line.trim()));

/** Starts the control plane with its controllers. */
export async function startTestbed(
  options: ControllerSettings = {},
  serverOptions: Partial<ApiServerOptions> = {},
): Promise<Testbed> {
  const clock = new FakeClock();
  const problems: string[] = [];
  const store = openMemoryStore({ clock });
  const server = createApiServer({
    store,
    kinds,
    schema: loadSchema(),
    clock,
    log: log(problems),
    nodes: createNodeConnections(),
    ...serverOptions,
  });
  const transport = createInProcessTransport(server);
  const client = createClient(transport);
  const watched = createClient({
    ...transport,
    request: async (request) => {
      const held = bed.intercept?.(request);
      if (held) await held;
      const body: any = bed.answer?.(request);
      return body === undefined ? transport.request(request) : { status: 200, body, warnings: [] };
    },
  });
  const lagging = createClient({
    ...transport,
    watch: async <T>(request: KubeRequest): Promise<KubeWatch<T>> => {
      const watch = await transport.watch<T>(request);
      return {
        close: () => watch.close(),
        async *[Symbol.asyncIterator]() {
          for await (const event of watch) {
            const lag = bed.lag?.(request.path);
            if (lag) await lag;
            yield event;
          }
        },
      };
    },
  });
  const informers = createInformerFactory({ client: lagging, clock, log: log(problems), random: () => 0.5 });
  const controllers = createControllers({ client: watched, informers, clock, log: log(problems), options });
  let podIp = 0;

  const settle = async () => {
    for (let quiet = 0; quiet < 12;) {
      const revision = store.revision;
      await new Promise((resolve) => setImmediate(resolve));
      const busy = controllers.status().some(({ queueLength }) => queueLength > 0);
      quiet = store.revision === revision && !busy ? quiet + 1 : 0;
    }
  };
  const run = (pod: Pod, ready = true) => {
    const now = timestamp(clock.now());
    const ip = pod.status?.podIP ?? `10.244.${podIp >> 8}.${(podIp++ & 255) + 1}`;
    const state = ready ? 'True' : 'False';
    return client.updateStatus<Pod>(resources.pods, {
      ...pod,
      status: {
        ...pod.status,
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        conditions: [{ type: 'Ready', status: state, lastTransitionTime: now }],
      },
    });
  };
  const bed: Testbed = {
    intercept: undefined,
    answer: undefined,
    lag: undefined,
    clock,
    store,
    client,
    informers,
    controllers,
    problems,
    settle,
    async advance(ms) {
      await settle();
      await clock.advance(ms);
      await settle();
    },
    async edit(ref, name, change) {
      const draft = structuredClone(await client.get<any>(ref, ref.namespaced ? 'default' : undefined, name));
      change(draft);
      return client.update<any>(ref, draft);
    },
    run,
    play(runs = () => true) {
      const act = (pod: Pod) => {
        const { namespace, name, deletionTimestamp } = pod.metadata;
        const work = deletionTimestamp
          ? client.delete(resources.pods, namespace, name, { gracePeriodSeconds: 0 })
          : pod.status?.phase !== 'Running' && runs(pod)
            ? run(pod)
            : undefined;
        work?.catch(() => {});
      };
      return informers.informer(resources.pods).on({ add: act, update: act });
    },
    async events(name) {
      await settle();
      const { items } = await client.list<Event>(resources.events);
      return items
        .filter((event) => event.involvedObject.name === name)
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
        .map((event) => `${event.reason}: ${event.message}`);
    },
    stop() {
      void controllers.stop();
      informers.stop();
      server.close();
    },
  };
  await controllers.start();
  await settle();
  return bed;
}

/** A Deployment in `default` with one container. */
export function deploymentManifest(name: string, replicas: number, image = 'web:1', spec: object = {}): KubeObject {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image }] } },
      ...spec,
    },
  };
}
