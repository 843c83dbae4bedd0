import type { NodeInfo, PodInfo, Snapshot } from '../snapshot';
import type { Plugin, Refusal } from './types';

export interface PluginRefusal extends Refusal {
  /** Who refuses. */
  plugin: string;
}

/** The filters that have something to say about one pod, with what they found out about it. */
export class FilterCycle {
  private readonly active: { plugin: Plugin; state: unknown }[] = [];
  /** Why no node comes into question. */
  refused: PluginRefusal | undefined;
  /** The only nodes in question, if not all are. */
  nodes: ReadonlySet<string> | undefined;
  /** Who said so. */
  readonly narrowedBy: string[] = [];

  constructor(
    readonly pod: PodInfo,
    private readonly snapshot: Snapshot,
    plugins: readonly Plugin[],
  ) {
    for (const plugin of plugins) {
      const found = plugin.preFilter?.(pod, snapshot);
      if (found?.refused) {
        this.refused = { ...found.refused, plugin: plugin.name };
        return;
      }
      if (found?.nodes) this.narrow(found.nodes, plugin.name);
      if (plugin.filter && !found?.skip) this.active.push({ plugin, state: found?.state });
    }
    if (this.nodes?.size === 0) {
      this.refused = {
        plugin: this.narrowedBy[0]!,
        reasons: [`node(s) didn't satisfy plugin(s) [${this.narrowedBy.join(' ')}] simultaneously`],
        unresolvable: true,
      };
    }
  }

  /** Why the pod cannot run on a node, leaving the room there that others were promised. */
  refusal(node: NodeInfo): PluginRefusal | undefined {
    const promised = this.snapshot.nominations.before(this.pod, node.name);
    // It must fit with them there, and without, for they may end up elsewhere.
    if (promised.length === 0) return this.refusalNow(node);
    for (const other of promised) this.move(other, node, 1);
    let refused: PluginRefusal | undefined;
    try {
      refused = this.refusalNow(node);
    } finally {
      for (const other of promised) this.move(other, node, -1);
    }
    return refused ?? this.refusalNow(node);
  }

  /** Puts a pod on a node (1) or takes it off (-1) in thought; the caller undoes it. */
  move(other: PodInfo, node: NodeInfo, change: 1 | -1): void {
    if (change === 1) node.add(other);
    else node.remove(other.uid);
    for (const { plugin, state } of this.active) plugin.moved?.(this.pod, node, state, other, change);
  }

  private refusalNow(node: NodeInfo): PluginRefusal | undefined {
    for (const { plugin, state } of this.active) {
      const refused = plugin.filter!(this.pod, node, state);
      if (refused) return { plugin: plugin.name, reasons: refused.reasons, unresolvable: refused.unresolvable };
    }
    return undefined;
  }

  private narrow(nodes: ReadonlySet<string>, plugin: string): void {
    const before = this.nodes;
    this.nodes = before ? new Set([...nodes].filter((name) => before.has(name))) : nodes;
    this.narrowedBy.push(plugin);
  }
}

/** What one plugin gave each of the compared nodes. */
export interface PluginScores {
  plugin: string;
  /** In the order of the nodes, from 0 to 100, times the plugin's weight. */
  scores: number[];
}

/** Compares nodes. @returns what each plugin that had something to say gave them */
export function scoreNodes(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
  scorers: readonly { plugin: Plugin; weight: number }[],
): PluginScores[] {
  const result: PluginScores[] = [];
  for (const { plugin, weight } of scorers) {
    const found = plugin.preScore?.(pod, nodes, snapshot);
    if (found?.skip) continue;
    const state = found?.state;
    const scores: number[] = [];
    for (const node of nodes) scores.push(plugin.score!(pod, node, state));
    plugin.normalize?.(scores, nodes, state);
    for (let index = 0; index < nodes.length; index++) scores[index]! *= weight;
    result.push({ plugin: plugin.name, scores });
  }
  return result;
}
