import { isDeepStrictEqual } from 'node:util';
import type { Namespace, NetworkPolicy, Pod } from '@shared/k8s';
import { runController, type RunningController } from '../../client/controller';
import { createEventRecorder } from '../../client/events';
import { resources } from '../../client/resources';
import type { InformerFactory, KubeClient } from '../../client/types';
import { WorkQueue } from '../../client/workqueue';
import type { Clock } from '../../clock';
import type { Logger } from '../../log';
import { isRouter, runningRouter } from '../rules';
import { PolicyAgent, type PodNetworks, type RuleMemory } from './agent';
import { compilePolicies, type CompiledPolicies, type Isolation } from './isolation';
import { renderPodRules, renderRouterRules, type PolicyNetwork } from './render';

export type { PodNetworks, RuleMemory } from './agent';
export type { PolicyNetwork } from './render';

export interface NetworkPoliciesOptions {
  client: KubeClient;
  informers: InformerFactory;
  networks: PodNetworks;
  memory: RuleMemory;
  /** The nodes whose pods are in the cluster's network; those of simulated nodes are nowhere. */
  nodes(): readonly string[];
  /** Undefined while nothing can be enforced: sandboxes are then without the tools for it. */
  network(): PolicyNetwork | undefined;
  clock: Clock;
  log: Logger;
}

/**
 * Holds pods' traffic to the network policies: by rules in each selected pod's own
 * network namespace, and for what comes through services by rules of the routers.
 * They are the kernel's, so they hold while the app is closed.
 */
export interface NetworkPolicies {
  /** Begins to follow policies, pods and namespaces; once. Never throws. */
  start(): Promise<void>;
  /**
   * To be called for a pod before its containers are started in a sandbox: resolves
   * when the policies that select it hold there. @throws Error when they do not, for kubelet's words
   */
  guard(pod: Pod, sandbox: { id: string; ip: string }): Promise<void>;
  /** Resolves when the routers hold services' traffic to the policies. To be awaited before they get any. @throws Error */
  guardRouters(): Promise<void>;
  stop(): Promise<void>;
}

/** Changes that come together are one; and at most five times a second, or half of the time, are rules loaded. */
const settleMs = 20;
const paceMs = 200;

/** See NetworkPolicies. */
export function createNetworkPolicies(options: NetworkPoliciesOptions): NetworkPolicies {
  const { client, informers, clock, log } = options;
  const recorder = createEventRecorder({ client, clock, log, component: 'network-policy-agent' });
  const policies = informers.informer<NetworkPolicy>(resources.networkPolicies);
  const pods = informers.informer<Pod>(resources.pods);
  const namespaces = informers.informer<Namespace>(resources.namespaces);
  const queue = new WorkQueue(clock);
  const removals: (() => void)[] = [];
  /** Addresses of new sandboxes, before pods report them, by uid. */
  const addresses = new Map<string, string>();
  let compiled: CompiledPolicies | undefined;
  let controller: RunningController | undefined;
  let earliest = 0;
  let routerRules: { text: string | undefined } | undefined;
  let lastNetwork: PolicyNetwork | undefined;
  let adopted: Promise<void> | undefined;
  let stopped = false;

  const addressOf = (pod: Pod): string | undefined => addresses.get(pod.metadata.uid) ?? pod.status?.podIP;
  /** Has a network of its own, or will have. Routers pass on what others may. */
  const hasNetwork = (pod: Pod): boolean =>
    !pod.spec?.hostNetwork &&
    !isRouter(pod) &&
    options.nodes().includes(pod.spec?.nodeName ?? '') &&
    pod.status?.phase !== 'Succeeded' &&
    pod.status?.phase !== 'Failed';
  const inNetwork = (): Pod[] => pods.list().filter(hasNetwork);
  /** Those that run. Their rules are loaded by the container that has the tools, into the network that it shares. */
  const routers = (): Pod[] =>
    pods.list('kube-system').filter((pod) => {
      const id = isRouter(pod) && options.nodes().includes(pod.spec?.nodeName ?? '') ? runningRouter(pod) : undefined;
      if (id) agent.attach(pod.metadata.uid, id.replace(/^.*:\/\//, ''));
      return id !== undefined;
    });

  const isolationOf = (pod: Pod): Isolation | undefined => {
    if (!hasNetwork(pod)) return undefined;
    compiled ??= compilePolicies({
      policies: policies.list(),
      pods: inNetwork(),
      namespaces: namespaces.list(),
      addressOf,
    });
    return compiled.isolationOf(pod);
  };

  function rulesOfRouters(network: PolicyNetwork): string | undefined {
    const isolations = new Map<string, Isolation>();
    // Of two with the same address the older one is about to go.
    for (const pod of inNetwork().toSorted((a, b) => createdAt(a) - createdAt(b))) {
      const isolation = isolationOf(pod);
      const address = isolation && addressOf(pod);
      if (address) isolations.set(address, isolation);
    }
    return isolations.size > 0 ? renderRouterRules(isolations, network) : undefined;
  }

  const agent = new PolicyAgent(options.networks, options.memory, recorder, log, (pod) => {
    const network = options.network();
    if (!network) return undefined;
    if (isRouter(pod)) return (routerRules ??= { text: rulesOfRouters(network) }).text;
    const isolation = isolationOf(pod);
    return isolation && renderPodRules(isolation, network);
  });

  const idle = (): boolean => policies.list().length === 0 && !agent.active();

  function changed(): void {
    compiled = undefined;
    routerRules = undefined;
    if (!idle()) queue.addAfter('pods', Math.max(settleMs, earliest - clock.now()));
  }

  async function sync(): Promise<void> {
    const from = clock.now();
    earliest = from + paceMs;
    try {
      if (options.network()) await agent.sync([...routers(), ...inNetwork()]);
    } finally {
      earliest = Math.max(from + paceMs, 2 * clock.now() - from);
    }
  }

  function forget(pod: Pod): void {
    addresses.delete(pod.metadata.uid);
    agent.detach(pod.metadata.uid);
  }

  function follow(): void {
    removals.push(
      policies.on({
        add: changed,
        update: (policy, old) => isDeepStrictEqual(policy.spec, old.spec) || changed(),
        delete: changed,
      }),
      namespaces.on({
        add: changed,
        update: (namespace, old) => isDeepStrictEqual(namespace.metadata.labels, old.metadata.labels) || changed(),
        delete: changed,
      }),
      pods.on({
        add: (pod) => hasNetwork(pod) && changed(),
        update(pod, old) {
          if (pod.metadata.uid !== old.metadata.uid) forget(old);
          const concerned = hasNetwork(pod) || hasNetwork(old) || isRouter(pod);
          if (concerned && !isDeepStrictEqual(essence(pod), essence(old))) changed();
        },
        delete(pod) {
          forget(pod);
          if (hasNetwork(pod)) changed();
        },
      }),
    );
  }

  const ready = (): Promise<void> =>
    (adopted ??= (async () => {
      await Promise.all([policies.synced, pods.synced, namespaces.synced]);
      await agent.adopt();
    })().catch((error: Error) => {
      adopted = undefined;
      throw error;
    }));

  // From the beginning: kubelets may ask before anything is loaded.
  follow();

  return {
    async start() {
      await Promise.all([policies.synced, pods.synced, namespaces.synced]);
      if (stopped || controller) return;
      controller = runController({
        name: 'network-policies',
        queue,
        clock,
        log,
        reconciler: {
          async reconcile() {
            await ready();
            await sync();
          },
        },
      });
      // What an earlier run left may have to go, be there policies or not.
      changed();
      queue.add('pods');
    },
    async guard(pod, { id, ip }) {
      await ready();
      if (!hasNetwork(pod)) return;
      const { uid } = pod.metadata;
      agent.attach(uid, id);
      // It was once, and changes are followed.
      if (agent.isGuarded(id)) return;
      if (ip && addressOf(pod) !== ip) {
        addresses.set(uid, ip);
        changed();
      }
      const isolation = isolationOf(pod);
      if (!isolation) return;
      if (!options.network())
        throw new Error('network policies select the pod, and the node image that holds it to them is not there');
      // They see through what a pod asks of services.
      await agent.sync(routers());
      await agent.load(pod);
    },
    async guardRouters() {
      await ready();
      const network = options.network();
      if (!isDeepStrictEqual(network, lastNetwork)) {
        lastNetwork = network;
        changed();
      }
      if (network) await agent.sync(routers());
    },
    async stop() {
      stopped = true;
      for (const remove of removals) remove();
      queue.close();
      await controller?.stop();
      await recorder.flushed();
    },
  };
}

const createdAt = ({ metadata }: Pod): number => Date.parse(String(metadata.creationTimestamp ?? '')) || 0;

/** What policies ask of a pod. */
const essence = (pod: Pod): unknown => [
  pod.metadata.uid,
  pod.metadata.labels,
  pod.spec?.nodeName,
  pod.status?.podIP,
  pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed',
  isRouter(pod) && runningRouter(pod),
];
