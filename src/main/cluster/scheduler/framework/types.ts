import type { Node } from '@shared/k8s';
import type { NodeInfo, PodInfo, Snapshot } from '../snapshot';

/** Why a pod cannot run on a node (or on any), in Kubernetes' words. */
export interface Refusal {
  /** Several are all counted. */
  reasons: readonly string[];
  /** Set when taking other pods away would not help. */
  unresolvable?: boolean;
}

/** What a plugin found out about a pod before the nodes are looked at. */
export interface PreFilterResult<S = unknown> {
  /** It has nothing to say about this pod: its filter is not asked. */
  skip?: boolean;
  /** Given to its filter. */
  state?: S;
  /** Only these nodes come into question. */
  nodes?: ReadonlySet<string>;
  /** No node comes into question. */
  refused?: Refusal;
}

export interface PreScoreResult<S = unknown> {
  skip?: boolean;
  state?: S;
}

/** Something happened that may let a pod fit that did not. */
export type ClusterEvent =
  /** A node came (without `old`) or changed. */
  | { type: 'node'; node: NodeInfo; old?: Node }
  /** A node went: what was unequally spread may be equal now. */
  | { type: 'nodeGone' }
  /** A pod left its node. */
  | { type: 'freed'; node: NodeInfo; pod: PodInfo }
  /** A pod got its node, or an assigned one changed its labels. */
  | { type: 'assigned'; pod: PodInfo }
  | { type: 'namespace' }
  | { type: 'claim'; claim: string }
  | { type: 'volume' }
  | { type: 'storageClass' };

/**
 * A part of the decision. Each may take part at any number of points, in the
 * order of Kubernetes' scheduling framework: preEnqueue, queueSort, preFilter,
 * filter, postFilter, preScore, score, reserve, permit, preBind, bind.
 * Everything up to reserve is synchronous and works on the snapshot alone.
 * `F` and `S` are what preFilter leaves for filter, and preScore for score.
 */
export interface Plugin<F = any, S = any> {
  readonly name: string;
  /** Why a pod is not even queued. */
  preEnqueue?(pod: PodInfo): Refusal | undefined;
  /** Whether a pod comes before another; undefined when neither does. */
  before?(a: PodInfo, b: PodInfo): boolean | undefined;
  preFilter?(pod: PodInfo, snapshot: Snapshot): PreFilterResult<F> | undefined;
  /** Why the pod cannot run on the node; undefined when it can. */
  filter?(pod: PodInfo, node: NodeInfo, state: F): Refusal | undefined;
  /** Keeps the filter's state true while pods are put on a node (1) or taken off it (-1) in thought. */
  moved?(pod: PodInfo, node: NodeInfo, state: F, other: PodInfo, change: 1 | -1): void;
  preScore?(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): PreScoreResult<S> | undefined;
  /** From 0 to 100, or any number when there is a `normalize`. More is better. */
  score?(pod: PodInfo, node: NodeInfo, state: S): number;
  /** Brings the scores of all nodes to 0–100, in place. */
  normalize?(scores: number[], nodes: readonly NodeInfo[], state: S): void;
  /** Notes that the pod is to get the node. */
  reserve?(pod: PodInfo, node: NodeInfo): Refusal | undefined;
  /** Takes a reservation back; also called for plugins that did not reserve. */
  unreserve?(pod: PodInfo, node: NodeInfo): void;
  /** May hold the binding back (resolve later) or forbid it (resolve to a refusal). */
  permit?(pod: PodInfo, node: NodeInfo, signal: AbortSignal): Promise<Refusal | undefined> | undefined;
  /** Does what must be done before the pod is bound. @throws Error when it cannot be */
  preBind?(pod: PodInfo, node: NodeInfo, signal: AbortSignal): Promise<void> | undefined;
  /** Whether an event may make a pod fit that this plugin refused. Without it none does. */
  helps?(event: ClusterEvent, pod: PodInfo): boolean;
}

/** Scales scores so that the highest is 100. @param reverse when less is better */
export function scaleToHundred(scores: number[], reverse = false): void {
  let most = 0;
  for (const score of scores) if (score > most) most = score;
  for (let index = 0; index < scores.length; index++) {
    const scaled = most > 0 ? Math.floor((scores[index]! * 100) / most) : 0;
    scores[index] = reverse ? 100 - scaled : scaled;
  }
}
