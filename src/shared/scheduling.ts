/** What the scheduler of a Gantry cluster tells about its decisions, under this path of its API. */
export const decisionsPath = '/debug/scheduler/decisions';

/** A node as it was seen when a pod was placed. */
export interface SchedulingVerdict {
  name: string;
  /** Why it does not take the pod; absent when it would. */
  reasons?: string[];
  /** The plugin that said so. */
  plugin?: string;
  /** What plugins gave it, 0–100 times their weight; absent when there was nothing to compare. */
  scores?: Record<string, number>;
  total?: number;
}

/** The last decision about one pod. */
export interface SchedulingDecision {
  namespace: string;
  name: string;
  uid: string;
  schedulerName: string;
  /** RFC 3339. */
  time: string;
  /** How often it was tried, this time included. */
  attempts: number;
  /** The chosen node; absent when none took the pod. */
  node?: string;
  /** Where room is being made for it. */
  nominatedNode?: string;
  /** Why none took it, in one sentence. */
  message?: string;
  /** The nodes looked at: those that would do, best first, then those that would not. */
  nodes: SchedulingVerdict[];
  /** Why the nodes that are not among them do not take it. */
  others?: { plugin: string; reasons: string[] };
}

export interface SchedulingDecisionList {
  kind: 'SchedulingDecisionList';
  apiVersion: string;
  items: SchedulingDecision[];
}
