import type { SchedulingDecision, SchedulingDecisionList, SchedulingVerdict } from '@shared/scheduling';
import { timestamp } from '../clock';
import type { PluginScores } from './framework/cycle';
import type { Placement } from './placement';
import type { PodInfo } from './snapshot';

/** What is kept: of so many pods, and of so many numbers and reasons altogether. */
const mostPods = 1000;
const mostCells = 300_000;

interface Kept {
  pod: { namespace: string; name: string; uid: string; schedulerName: string };
  time: number;
  attempts: number;
  node: string | undefined;
  message: string | undefined;
  nominated: string | undefined;
  feasible: readonly string[];
  scores: readonly PluginScores[];
  refusals: Placement['refusals'];
  others: Placement['others'];
  cells: number;
}

/** Remembers the last decision about each of the pods looked at last, for whoever wants to know why. */
export class DecisionLog {
  private readonly kept = new Map<string, Kept>();
  private cells = 0;

  record(
    pod: PodInfo,
    placement: Placement,
    about: { attempts: number; time: number; message?: string; nominated?: string },
  ): void {
    const { node, feasible, scores, refusals, others } = placement;
    const { namespace, name, uid } = pod.pod.metadata;
    this.drop(uid);
    const cells = feasible.length * (scores.length + 1) + refusals.size + 10;
    this.kept.set(uid, {
      pod: { namespace: namespace ?? '', name, uid, schedulerName: pod.pod.spec?.schedulerName ?? '' },
      time: about.time,
      attempts: about.attempts,
      node: node?.name,
      message: about.message,
      nominated: about.nominated,
      feasible: feasible.map((info) => info.name),
      scores,
      refusals,
      others,
      cells,
    });
    this.cells += cells;
    while (this.kept.size > 1 && (this.kept.size > mostPods || this.cells > mostCells)) {
      this.drop(this.kept.keys().next().value!);
    }
  }

  /** The decisions about a namespace's pods, or about one; all without either. The latest first. */
  list(namespace?: string, pod?: string): SchedulingDecisionList {
    const items = [...this.kept.values()]
      .filter((kept) => (!namespace || kept.pod.namespace === namespace) && (!pod || kept.pod.name === pod))
      .reverse()
      .map(shown);
    return { kind: 'SchedulingDecisionList', apiVersion: 'gantry.dev/v1', items };
  }

  private drop(uid: string): void {
    this.cells -= this.kept.get(uid)?.cells ?? 0;
    this.kept.delete(uid);
  }
}

function shown(kept: Kept): SchedulingDecision {
  const feasible = kept.feasible.map((name, index): SchedulingVerdict => {
    if (kept.scores.length === 0) return { name };
    const scores = Object.fromEntries(kept.scores.map((part) => [part.plugin, part.scores[index]!]));
    return { name, scores, total: Object.values(scores).reduce((sum, score) => sum + score, 0) };
  });
  feasible.sort(
    (a, b) => (b.total ?? 0) - (a.total ?? 0) || (a.name === kept.node ? -1 : b.name === kept.node ? 1 : 0),
  );
  const refused = [...kept.refusals].map(([name, { plugin, reasons }]) => ({ name, plugin, reasons: [...reasons] }));
  return {
    ...kept.pod,
    time: timestamp(kept.time),
    attempts: kept.attempts,
    node: kept.node,
    nominatedNode: kept.nominated,
    message: kept.message,
    nodes: [...feasible, ...refused],
    others: kept.others && { plugin: kept.others.plugin, reasons: [...kept.others.reasons] },
  };
}
