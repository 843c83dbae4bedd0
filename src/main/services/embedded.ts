import type { ClusterSummary, EngineStatus, MetricSeries, ParamsOf, Task } from '@shared/bridge/contract';
import type { NewNode } from '@shared/node-agents';
import type { KubeTransport } from '../cluster/client/transport';

export type MetricTarget = ParamsOf<'metrics.series'>['target'];

export interface EmbeddedStatus {
  state: ClusterSummary['status'];
  /** Why it is not ready, in the words of what failed. */
  message?: string;
}

/** The Docker side of the embedded cluster, as the window's engine page needs it. */
export interface EmbeddedEngine {
  status(): EngineStatus;
  /** Called after each change of `status()`. Returns the removal. */
  onStatus(listener: () => void): () => void;
  /** Looks for the engine again and moves the cluster onto it. */
  retry(): Promise<EngineStatus>;
  /** Runs the cluster on this many simulated nodes (D6). */
  simulate(nodes: number): Promise<EngineStatus>;
}

/** Nodes that come and go at run time. What the API refuses is thrown as ApiError. */
export interface EmbeddedNodes {
  /** Resolves when its agent runs; it is there again after a restart. */
  add(node: NewNode): Promise<{ name: string }>;
  /** Throws why a node cannot be removed. */
  checkRemoval(name: string): Promise<void>;
  /** Stops the agent and removes its containers and the Node; draining comes before. */
  remove(name: string): Promise<void>;
  /** Switches a node's agent off while its containers run on, or on again. */
  power(name: string, on: boolean): Promise<void>;
}

/** Long actions under way inside the cluster: image pulls, start-up. */
export interface EmbeddedTasks {
  list(): Task[];
  /** Called after each change of `list()`. Returns the removal. */
  onChange(listener: () => void): () => void;
  /** False when no such task runs or it cannot be cancelled. */
  cancel(id: string): boolean;
}

/** What the app needs of the cluster that runs inside it; made by the composition root. */
export interface EmbeddedCluster {
  readonly id: 'gantry';
  readonly name: string;
  /** Straight into the API server, as cluster admin. */
  readonly transport: KubeTransport;
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  /** The admin kubeconfig (0600). */
  readonly kubeconfigFile: string;
  /** Kubernetes version it speaks, e.g. `v1.36.0`. */
  readonly version: string;
  /** True while its nodes are simulated. */
  simulated(): boolean;
  status(): EmbeddedStatus;
  /** Called after each change of `status()` or `simulated()`. Returns the removal. */
  onStatus(listener: () => void): () => void;
  /** Usage over time from the cluster's own samples. */
  metricsSeries(target: MetricTarget, seconds: number): MetricSeries | Promise<MetricSeries>;
  readonly engine: EmbeddedEngine;
  readonly nodes: EmbeddedNodes;
  readonly tasks: EmbeddedTasks;
}
