import type { LabelSelector, ReplicaSet } from '@shared/k8s';
import { resources } from '../../client/resources';
import type { ResourceRef } from '../../client/types';

/**
 * A kind that keeps as many pods of a template as asked for. ReplicationControllers
 * are ReplicaSets but for their older form of selector.
 */
export interface ReplicaKind {
  /** Of the control loop. */
  name: string;
  /** Who its events are from. */
  component: string;
  ref: ResourceRef<ReplicaSet>;
  selectorOf(set: ReplicaSet): LabelSelector | undefined;
  /** Whether its status tells how many of its pods are on their way out. */
  countsTerminating: boolean;
}

export const replicaSetKind: ReplicaKind = {
  name: 'replicaset',
  component: 'replicaset-controller',
  ref: resources.replicaSets,
  selectorOf: (set) => set.spec?.selector,
  countsTerminating: true,
};

export const replicationControllerKind: ReplicaKind = {
  name: 'replicationcontroller',
  component: 'replication-controller',
  ref: resources.replicationControllers as unknown as ResourceRef<ReplicaSet>,
  selectorOf: (set) => ({ matchLabels: set.spec?.selector as Record<string, string> | undefined }),
  countsTerminating: false,
};
