import type { PodInfo, Snapshot } from '../snapshot';
import type { NodeInfo } from '../snapshot';
import { createPlugins, defaultWeights, type PluginContext } from '../plugins';
import type { SchedulerProfile } from '../settings';
import { FilterCycle, type PluginScores, scoreNodes } from './cycle';
import type { ClusterEvent, Plugin, Refusal } from './types';

/** The plugins of one profile, by the points at which they take part. */
export class Profile {
  readonly name: string;
  /** Whether a pod comes before another; undefined when neither does. */
  readonly before: (a: PodInfo, b: PodInfo) => boolean | undefined;
  /** Those that look at a node, or at the pod before any node is. */
  private readonly filtering: readonly Plugin[];
  private readonly scoring: readonly { plugin: Plugin; weight: number }[];
  private readonly reserving: readonly Plugin[];
  private readonly enqueueing: readonly Plugin[];
  private readonly permitting: readonly Plugin[];
  private readonly preparing: readonly Plugin[];
  private readonly byName: ReadonlyMap<string, Plugin>;

  /** @param plugins those to use; Kubernetes' own unless told */
  constructor(settings: SchedulerProfile, context: PluginContext, plugins = createPlugins(settings, context)) {
    const enabled = plugins.filter(({ name }) => !settings.disabled?.includes(name));
    const weight = ({ name }: Plugin) => settings.weights?.[name] ?? defaultWeights[name] ?? 1;
    this.name = settings.schedulerName;
    this.byName = new Map(enabled.map((plugin) => [plugin.name, plugin]));
    this.before = enabled.find((plugin) => plugin.before)?.before ?? (() => undefined);
    this.enqueueing = enabled.filter((plugin) => plugin.preEnqueue);
    this.filtering = enabled.filter((plugin) => plugin.filter ?? plugin.preFilter);
    this.scoring = enabled
      .filter((plugin) => plugin.score && weight(plugin) > 0)
      .map((plugin) => ({ plugin, weight: weight(plugin) }));
    this.reserving = enabled.filter((plugin) => plugin.reserve ?? plugin.unreserve);
    this.permitting = enabled.filter((plugin) => plugin.permit);
    this.preparing = enabled.filter((plugin) => plugin.preBind);
  }

  /** Why a pod is not to be queued. */
  held(pod: PodInfo): Refusal | undefined {
    for (const plugin of this.enqueueing) {
      const refused = plugin.preEnqueue!(pod);
      if (refused) return refused;
    }
    return undefined;
  }

  filter(pod: PodInfo, snapshot: Snapshot): FilterCycle {
    return new FilterCycle(pod, snapshot, this.filtering);
  }

  score(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): PluginScores[] {
    return scoreNodes(pod, nodes, snapshot, this.scoring);
  }

  /** Reserves with every plugin, or with none. */
  reserve(pod: PodInfo, node: NodeInfo): (Refusal & { plugin: string }) | undefined {
    for (const plugin of this.reserving) {
      const refused = plugin.reserve?.(pod, node);
      if (!refused) continue;
      this.unreserve(pod, node);
      return { ...refused, plugin: plugin.name };
    }
    return undefined;
  }

  unreserve(pod: PodInfo, node: NodeInfo): void {
    for (const plugin of this.reserving) plugin.unreserve?.(pod, node);
  }

  /** Whether anything is to be awaited before the pod can be bound. */
  prepares(pod: PodInfo, node: NodeInfo, signal: AbortSignal): Promise<void> | undefined {
    const permits = this.permitting.flatMap((plugin) => {
      const pending = plugin.permit!(pod, node, signal);
      return pending ? [{ plugin, pending }] : [];
    });
    // Plugins without work say so at once, and most pods have none.
    if (permits.length === 0) return this.preBind(pod, node, signal, 0);
    return (async () => {
      for (const { plugin, pending } of permits) {
        const refused = await pending;
        if (refused) throw new Error(`permit plugin ${JSON.stringify(plugin.name)}: ${refused.reasons.join(', ')}`);
      }
      await this.preBind(pod, node, signal, 0);
    })();
  }

  /** Whether an event may make a pod fit that these plugins refused. */
  helps(event: ClusterEvent, pod: PodInfo, refusedBy: Iterable<string>): boolean {
    for (const name of refusedBy) if (this.byName.get(name)?.helps?.(event, pod)) return true;
    return false;
  }

  /** The preBind steps from the given one on; undefined when none has anything to do. */
  private preBind(pod: PodInfo, node: NodeInfo, signal: AbortSignal, from: number): Promise<void> | undefined {
    for (let index = from; index < this.preparing.length; index++) {
      const plugin = this.preparing[index]!;
      const work = plugin.preBind!(pod, node, signal);
      if (!work) continue;
      return work.then(
        () => this.preBind(pod, node, signal, index + 1),
        (error) => {
          const why = error instanceof Error ? error.message : String(error);
          throw new Error(`running PreBind plugin ${JSON.stringify(plugin.name)}: ${why}`);
        },
      );
    }
    return undefined;
  }
}
