import type { NodeInfo, PodInfo } from '../snapshot';

/** Says which nodes a pod cannot run on. */
export interface FilterPlugin {
  name: string;
  /** Why the pod cannot run there, in Kubernetes' words; undefined when it can. Several reasons are all counted. */
  filter(pod: PodInfo, node: NodeInfo): string[] | undefined;
}

/** Says which of the possible nodes is better. */
export interface ScorePlugin {
  name: string;
  weight: number;
  /** False when it has nothing to say about this pod. */
  applies?(pod: PodInfo): boolean;
  /** From 0 to 100, or any number when there is a `normalize`. */
  score(pod: PodInfo, node: NodeInfo): number;
  /** Brings the scores of all nodes to 0–100, in place. */
  normalize?(scores: number[]): void;
}

/** Scales scores so that the highest is 100. @param reverse when less is better */
export function scaleToHundred(scores: number[], reverse = false): void {
  const most = Math.max(...scores);
  for (const [index, score] of scores.entries()) {
    const scaled = most > 0 ? Math.floor((score * 100) / most) : 0;
    scores[index] = reverse ? 100 - scaled : scaled;
  }
}
