/** How the scheduler decides, as data. The words are those of KubeSchedulerConfiguration. */

export interface ShapePoint {
  /** Percent of the node that is taken. */
  utilization: number;
  /** 0 to 10. */
  score: number;
}

/** How NodeResourcesFit compares nodes: the emptier is better, the fuller is better, or a curve. */
export interface ScoringStrategy {
  type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  /** cpu and memory, equally, unless told. */
  resources?: { name: string; weight: number }[];
  /** For RequestedToCapacityRatio. */
  shape?: ShapePoint[];
}

/** What pods spread over that say nothing about it themselves. */
export interface SpreadDefault {
  topologyKey: string;
  maxSkew: number;
}

export interface SchedulerProfile {
  /** Pods choose a profile with spec.schedulerName. */
  schedulerName: string;
  scoringStrategy?: ScoringStrategy;
  /** Plugins that take no part. */
  disabled?: string[];
  /** What a plugin's score counts, where it is not Kubernetes' default. */
  weights?: Record<string, number>;
  /** Soft constraints for pods of services and workloads; Kubernetes' system defaults unless told. */
  defaultConstraints?: SpreadDefault[];
}

export interface SchedulerSettings {
  profiles: SchedulerProfile[];
  /** Of many nodes only this share is compared, 1–100; worked out of their number unless told. */
  percentageOfNodesToScore?: number;
  /** How long a pod's volumes may take to be bound before another node is looked for. */
  bindTimeoutSeconds: number;
  podInitialBackoffSeconds: number;
  podMaxBackoffSeconds: number;
}

/** How the default profile places pods: spread over the nodes, or packed onto few. */
export type Placing = 'LeastAllocated' | 'MostAllocated';

/** What packs pods onto as few nodes as possible; balancing and spreading would pull the other way. */
const packing = {
  scoringStrategy: { type: 'MostAllocated' },
  disabled: ['NodeResourcesBalancedAllocation'],
  defaultConstraints: [],
} satisfies Partial<SchedulerProfile>;

/** Kubernetes' defaults, and a second profile for pods that are to be packed. */
export function defaultSettings(placing: Placing = 'LeastAllocated'): SchedulerSettings {
  return {
    profiles: [
      { schedulerName: 'default-scheduler', ...(placing === 'MostAllocated' ? packing : {}) },
      { schedulerName: 'bin-packing-scheduler', ...packing },
    ],
    bindTimeoutSeconds: 600,
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
  };
}
