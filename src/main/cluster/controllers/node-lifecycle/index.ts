import type { Lease, Node, Pod } from '@shared/k8s';
import { timestamp } from '../../clock';
import { findCondition, hasCondition, setCondition } from '../../client/conditions';
import { isConflict, isNotFound } from '../../client/controller';
import { resources } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import { recorderFor, type ControllerContext, type ControlLoop } from '../framework';
import { indexByNode, isReady, podsOfNode } from '../pods';
import { reconcileTaints } from './taints';

const leaseNamespace = 'kube-node-lease';
const defaultGraceMs = 40_000;
/** A look that comes this much too late means that the whole process slept (a closed lid), not that nodes died. */
const sleptMs = 10_000;
const silentConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** What this process saw of a node's heartbeat. Ages are counted by our own clock, as clocks differ. */
interface Heartbeat {
  renewTime: string | undefined;
  seenAt: number;
  lookAt: number;
}

/** Notices nodes that fall silent: their conditions, their taints and their pods' readiness. */
export function createNodeLifecycleController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, log, options } = context;
  const queue = new WorkQueue(clock);
  const nodes = informers.informer(resources.nodes);
  const leases = informers.informer(resources.leases);
  const pods = informers.informer(resources.pods);
  indexByNode(pods);
  const events = recorderFor(context, 'node-controller');
  const heartbeats = new Map<string, Heartbeat>();
  const grace = options.nodeGraceMs ?? defaultGraceMs;

  const isWell = (node: Node) => hasCondition(node.status?.conditions, 'Ready');
  /**
   * Whether another node is ready. If none is, it is this side that is cut off, or the engine under
   * all of them that is away: pods have nowhere to go, and none is evicted (as in Kubernetes).
   */
  const othersAreWell = ({ metadata: { name } }: Node) =>
    nodes.list().some((other) => other.metadata.name !== name && isWell(other));

  const enqueue = (node: Node) => queue.add(node.metadata.name);
  const changed = (node: Node) => {
    if (!othersAreWell(node)) nodes.list().forEach(enqueue);
  };
  nodes.on({
    add(node) {
      enqueue(node);
      if (isWell(node)) changed(node);
    },
    update(node, old) {
      enqueue(node);
      if (isWell(node) !== isWell(old)) changed(node);
    },
    delete(node) {
      heartbeats.delete(node.metadata.name);
      if (isWell(node)) changed(node);
    },
  });

  /** Whether the node has been silent for too long, and in how many ms to look again. */
  const listen = (node: Node): { silent: boolean; left: number } => {
    const { name } = node.metadata;
    const now = clock.now();
    const lease: Lease | undefined = leases.get(leaseNamespace, name);
    const posted = findCondition(node.status?.conditions, 'Ready')?.lastHeartbeatTime;
    const renewTime = [lease?.spec?.renewTime, posted].filter(Boolean).sort().at(-1);
    const before = heartbeats.get(name);
    const slept = before !== undefined && now - before.lookAt > sleptMs;
    if (slept) log.info('the clock jumped, giving the node another grace period', { node: name });
    const seenAt = !before || slept || before.renewTime !== renewTime ? now : before.seenAt;
    const silent = now - seenAt;
    const left = silent < grace ? grace - silent : grace;
    heartbeats.set(name, { renewTime, seenAt, lookAt: now + left });
    return { silent: silent >= grace, left };
  };

  const markSilent = async (node: Node): Promise<Node> => {
    const now = clock.now();
    const old = node.status?.conditions ?? [];
    let conditions = old;
    for (const type of silentConditions) {
      const before = findCondition(conditions, type);
      if (before?.status === 'Unknown') continue;
      const condition = {
        ...before,
        type,
        status: 'Unknown',
        reason: before ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated',
        message: before ? 'Kubelet stopped posting node status.' : 'Kubelet never posted node status.',
        ...(before ? {} : { lastHeartbeatTime: node.metadata.creationTimestamp }),
        lastTransitionTime: timestamp(now),
      };
      conditions = setCondition(conditions, condition, now);
    }
    if (conditions === old) return node;
    log.warn('a node stopped posting its status', { node: node.metadata.name });
    events.event(node, 'Normal', 'NodeNotReady', `Node ${node.metadata.name} status is now: NodeNotReady`);
    return client.updateStatus(resources.nodes, { ...node, status: { ...node.status, conditions } });
  };

  /** Nobody on a silent node can tell that its pods are well, so they count as not ready. */
  const markPodNotReady = async (pod: Pod) => {
    const before = findCondition(pod.status?.conditions, 'Ready')!;
    const condition = { ...before, status: 'False', lastTransitionTime: timestamp(clock.now()) };
    const conditions = setCondition(pod.status!.conditions, condition, clock.now());
    try {
      await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, conditions } });
      events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  };

  return {
    name: 'node-lifecycle',
    queue,
    workers: 4,
    reconciler: {
      async reconcile(name) {
        let node = nodes.get(undefined, name);
        if (!node) return;
        const { silent, left } = listen(node);
        if (silent) node = await markSilent(node);
        const taints = reconcileTaints(node, clock.now(), othersAreWell(node));
        if (taints) {
          node = await client.update<Node>(resources.nodes, { ...node, spec: { ...node.spec, taints } });
        }
        if (hasCondition(node.status?.conditions, 'Ready', 'Unknown')) {
          await Promise.all(podsOfNode(pods, name).filter(isReady).map(markPodNotReady));
        }
        return { requeueAfterMs: left };
      },
    },
  };
}
