/** The whole control plane with scheduler and simulated nodes on one clock that stands still until it is moved. */
import type { KubeObject, Pod } from '../../src/shared/k8s';
import { apiError } from '../../src/main/cluster/api/errors';
import { createClient } from '../../src/main/cluster/client/client';
import { createInformerFactory } from '../../src/main/cluster/client/informer';
import { resources } from '../../src/main/cluster/client/resources';
import type { KubeRequest } from '../../src/main/cluster/client/transport';
import type { InformerFactory, ResourceRef } from '../../src/main/cluster/client/types';
import { createControllers, type Controllers } from '../../src/main/cluster/controllers';
import { createKubelet, type Kubelet } from '../../src/main/cluster/kubelet';
import { createSimulatedRuntime } from '../../src/main/cluster/kubelet/runtime/simulated';
import { labels } from '../../src/main/cluster/kubelet/runtime/types';
import { createLogger } from '../../src/main/cluster/log';
import { createScheduler, type Scheduler } from '../../src/main/cluster/scheduler';
import { seededRandom } from './random';
import { startTestbed, type Testbed } from './testbed';

export interface Simulation extends Pick<Testbed, 'clock' | 'client' | 'store' | 'informers' | 'events'> {
  /** Adds nodes, or brings back those whose agent was stopped. */
  join(...names: string[]): Promise<void>;
  /** Stops a node's agent as if its process hung: containers run on, nobody speaks for the node. */
  silence(name: string): Promise<void>;
  /** Takes a node away for good: its agent, its object. */
  leave(name: string): Promise<void>;
  /** Moves time on by seconds; between any two things that fall due everything settles. */
  pass(seconds: number): Promise<void>;
  /** Ends controllers and scheduler in the midst of their work and starts new ones, which know nothing but the API. */
  restart(): Promise<void>;
  /** Makes requests of controllers and scheduler fail: not sent at all, or carried out and the answer lost. */
  fault: ((request: KubeRequest) => 'unsent' | 'unanswered' | undefined) | undefined;
  /** How many turns of the event loop the caches of controllers and scheduler get an event late. */
  lag: (() => number) | undefined;
  /** Lets time pass until the condition holds. @throws Error with what it saw last after `seconds` */
  until<T>(what: () => Promise<T>, holds: (value: T) => boolean, seconds?: number): Promise<T>;
  /** Creates an object in `default` unless it says otherwise. */
  create<T extends KubeObject>(ref: ResourceRef<T>, object: KubeObject): Promise<T>;
  get<T extends KubeObject>(ref: ResourceRef<T>, name: string, namespace?: string): Promise<T>;
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): Promise<T[]>;
  edit<T extends KubeObject>(ref: ResourceRef<T>, name: string, change: (draft: T) => void): Promise<T>;
  /** The pods of a namespace that are not being deleted, by name. */
  pods(selector?: string): Promise<Pod[]>;
  /** Kills the containers of a pod as the system does. */
  kill(pod: Pod): Promise<void>;
  /** How many containers of pods that are not in the API any more there are. */
  orphans(): Promise<number>;
  /** What went wrong inside: warnings and errors of every part. */
  problems: string[];
  stop(): Promise<void>;
}

/** @param names the nodes there are at the beginning @param seed of everything that is left to chance */
export async function startSimulation(names: string[], seed = 1): Promise<Simulation> {
  const random = seededRandom(seed);
  const bed = await startTestbed();
  const { clock, client, informers } = bed;
  const problems = bed.problems;
  const log = createLogger('test', 'warn', (line) => void problems.push(line.trim()));
  const runtime = createSimulatedRuntime({ clusterId: 'c', clock, random });
  const kubelets = new Map<string, Kubelet>();
  let control: { controllers: Controllers; scheduler: Scheduler; informers: InformerFactory } | undefined;

  const faulty = createClient({
    ...client.transport,
    request: async (request) => {
      const fault = simulation.fault?.(request);
      const lost = apiError(503, 'ServiceUnavailable', `the request was lost (${fault})`);
      if (fault === 'unsent') throw lost;
      const response = await client.transport.request<any>(request);
      if (fault) throw lost;
      return response;
    },
    watch: async <T>(request: KubeRequest) => {
      const watch = await client.transport.watch<T>(request);
      return {
        close: () => watch.close(),
        async *[Symbol.asyncIterator]() {
          for await (const event of watch) {
            for (let turns = simulation.lag?.() ?? 0; turns > 0; turns--) await turn();
            yield event;
          }
        },
      };
    },
  });
  const startControl = async () => {
    const own = createInformerFactory({ client: faulty, clock, log, random });
    const shared = { client: faulty, informers: own, clock };
    const scheduler = createScheduler({ ...shared, log: log.child('scheduler'), random });
    const controllers = createControllers({ ...shared, log });
    control = { controllers, scheduler, informers: own };
    scheduler.start();
    await controllers.start();
  };
  const stopControl = async () => {
    const before = control;
    control = undefined;
    before?.scheduler.stop();
    await before?.controllers.stop();
    before?.informers.stop();
  };
  const settle = async () => {
    const busy = () => control?.controllers.status().some(({ queueLength }) => queueLength > 0);
    // Long enough for whatever is under way to write, or for an event that is late to arrive.
    const enough = simulation.lag ? 12 : 6;
    for (let quiet = 0; quiet < enough || busy();) {
      const { revision } = bed.store;
      await turn();
      quiet = bed.store.revision === revision ? quiet + 1 : 0;
    }
  };

  const simulation: Simulation = {
    clock,
    client,
    store: bed.store,
    informers,
    events: (name) => bed.events(name),
    problems,
    fault: undefined,
    lag: undefined,
    async restart() {
      // What is under way may wait for time to pass.
      const stopped = stopControl();
      await simulation.pass(1);
      await stopped;
      await startControl();
      await settle();
    },
    async join(...joining) {
      for (const nodeName of joining) {
        const kubelet = createKubelet({
          nodeName,
          client,
          informers,
          runtime,
          clock,
          log: log.child(nodeName),
          clusterId: 'c',
          volumesDirectory: '/nowhere',
          labels: { 'topology.kubernetes.io/zone': `zone-${nodeName.at(-1)}` },
        });
        kubelets.set(nodeName, kubelet);
        await kubelet.start();
      }
      await simulation.pass(1);
    },
    async silence(name) {
      const stopped = kubelets.get(name)!.stop();
      kubelets.delete(name);
      await simulation.pass(1);
      await stopped;
    },
    async leave(name) {
      await simulation.silence(name);
      await client.delete(resources.nodes, undefined, name);
      for (const { id } of await runtime.list({ [labels.node]: name })) await runtime.removeContainer(id);
      await settle();
    },
    pass: (seconds) => clock.advance(seconds * 1000, settle),
    async until(what, holds, seconds = 60) {
      await settle();
      for (const end = clock.now() + seconds * 1000; ; await simulation.pass(1)) {
        const value = await what();
        if (holds(value)) return value;
        if (clock.now() >= end) throw new Error(`after ${seconds} s it still is ${JSON.stringify(value)}`);
      }
    },
    async create(ref, object) {
      const metadata = { ...(ref.namespaced ? { namespace: 'default' } : {}), ...object.metadata };
      const created = await client.create(ref, { ...object, metadata });
      await settle();
      return created;
    },
    get: (ref, name, namespace = 'default') => client.get(ref, ref.namespaced ? namespace : undefined, name),
    list: async (ref, namespace = 'default') => (await client.list(ref, ref.namespaced ? namespace : undefined)).items,
    edit: async (ref, name, change) => {
      const edited = await bed.edit(ref, name, change);
      await settle();
      return edited;
    },
    async pods(labelSelector) {
      const { items } = await client.list(resources.pods, 'default', { labelSelector });
      const living = items.filter(({ metadata }) => !metadata.deletionTimestamp);
      return living.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    },
    async kill(pod) {
      const containers = await runtime.list({ [labels.podUid]: pod.metadata.uid, [labels.kind]: 'app' });
      for (const { id } of containers) await runtime.stopContainer(id, 0);
      await settle();
    },
    async orphans() {
      const { items } = await client.list(resources.pods);
      const known = new Set(items.map(({ metadata }) => metadata.uid));
      return (await runtime.list()).filter((one) => !known.has(one.labels[labels.podUid] ?? '')).length;
    },
    async stop() {
      simulation.fault = simulation.lag = undefined;
      let running = true;
      const stopped = Promise.all([stopControl(), ...[...kubelets.values()].map((kubelet) => kubelet.stop())]);
      void stopped.then(() => (running = false));
      for (await settle(); running;) await simulation.pass(1);
      runtime.dispose();
      bed.stop();
    },
  };
  await bed.controllers.stop();
  await startControl();
  await simulation.join(...names);
  return simulation;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A pod template whose containers behave as told. @param simulate see kubelet/runtime/simulated-behaviour */
export const template = (app: string, image = 'app:1', simulate: object = {}, spec: object = {}) => ({
  metadata: { labels: { app }, annotations: { 'gantry.dev/simulate': JSON.stringify(simulate) } },
  spec: { containers: [{ name: 'main', image }], ...spec },
});
