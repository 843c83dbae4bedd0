import type { Plugin } from '../framework/types';
import type { NodeInfo, PodInfo } from '../snapshot';
import type { ScoringStrategy, ShapePoint } from '../settings';

const cpuAndMemory = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** How good a node is for a pod by what is taken of its resources, from 0 to 100. */
export function resourceScorer({
  type,
  resources = cpuAndMemory,
  shape = [],
}: ScoringStrategy): NonNullable<Plugin['score']> {
  const rate = type === 'LeastAllocated' ? left : type === 'MostAllocated' ? taken : onShape(shape);
  const ratio = type === 'RequestedToCapacityRatio';
  return ({ requests, scoredRequests }: PodInfo, { allocatable, requested, scored }: NodeInfo) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const capacity = allocatable[name];
      if (!capacity) continue;
      // Only cpu and memory are assumed for pods that ask for nothing; extended resources count for those that do.
      const common = name === 'cpu' || name === 'memory';
      const wanted = (common ? scoredRequests : requests)[name] ?? 0;
      if (!common && wanted === 0) continue;
      const score = rate((common ? scored : requested)[name] ?? 0, wanted, capacity);
      if (ratio && score === 0) continue;
      sum += score * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return ratio ? Math.round(sum / weights) : Math.floor(sum / weights);
  };
}

const left = (used: number, wanted: number, capacity: number): number => {
  const free = capacity - used - wanted;
  return free > 0 ? Math.floor((free * 100) / capacity) : 0;
};

const taken = (used: number, wanted: number, capacity: number): number =>
  Math.floor((Math.min(used + wanted, capacity) * 100) / capacity);

/** A line through points of utilization (0–100) and score (0–10), flat beyond its ends. */
function onShape(shape: readonly ShapePoint[]): typeof left {
  const points = [...shape].sort((a, b) => a.utilization - b.utilization);
  return (used, wanted, capacity) => {
    const utilization = Math.min(100, Math.floor(((used + wanted) * 100) / capacity));
    const next = points.findIndex((point) => utilization <= point.utilization);
    if (next < 0) return (points.at(-1)?.score ?? 0) * 10;
    const to = points[next]!;
    const from = points[next - 1];
    if (!from) return to.score * 10;
    const share = (utilization - from.utilization) / (to.utilization - from.utilization);
    return Math.floor((from.score + (to.score - from.score) * share) * 10);
  };
}
