import type { KubeObject } from '@shared/k8s';
import type { KubeClient } from '../../client/types';
import type { Clock } from '../../clock';
import type { Addon } from './addon';
import { loadConfiguration } from './load';
import type { Finding } from './model';
import type { Configuration } from './render';

/** So many objects are taken out one after the other before it is given up for this time. */
const mostRefusals = 50;

/**
 * Gets configurations into all controllers. What nginx refuses is left out, so that
 * the others are served, until the object changes.
 */
export class Loader {
  /** The version of the configuration each container has. */
  private readonly loaded = new Map<string, string>();
  private readonly refused = new Map<string, { content: string; message: string; object: KubeObject }>();

  constructor(
    private readonly client: KubeClient,
    private readonly clock: Clock,
    private readonly addon: Addon,
  ) {}

  /** Whether an object is to be left out, because nginx refused it as it is. */
  isRefused(object: KubeObject): boolean {
    const found = this.refused.get(object.metadata?.uid ?? '');
    return found !== undefined && found.content === contentOf(object);
  }

  /** What was refused and has not changed since. */
  findings(objects: readonly KubeObject[]): Finding[] {
    return objects
      .filter((object) => this.isRefused(object))
      .map((object) => ({ object, reason: 'Rejected', message: this.refused.get(object.metadata!.uid!)!.message }));
  }

  /**
   * Loads what `configure` makes of the objects that are not refused, again without those that nginx refuses.
   * @returns whether a controller has it
   * @throws Error when nginx refuses what nobody in particular asked for
   */
  async load(configure: () => Configuration): Promise<boolean> {
    for (let tries = 0; tries < mostRefusals; tries++) {
      const configuration = configure();
      const culprit = await this.tryOn(configuration);
      if (!culprit) return this.loaded.size > 0;
      this.refused.set(culprit.object.metadata?.uid ?? '', culprit);
    }
    throw new Error('nginx refuses the configuration of too many objects');
  }

  private async tryOn(configuration: Configuration) {
    const running = this.addon.running();
    for (const id of this.loaded.keys()) if (!running.has(id)) this.loaded.delete(id);
    for (const [id, pod] of running) {
      if (this.loaded.get(id) === configuration.version) continue;
      const verdict = await loadConfiguration(this.client, this.clock, pod, configuration);
      if (verdict.taken) {
        this.loaded.set(id, configuration.version);
        continue;
      }
      const object = verdict.line === undefined ? undefined : configuration.source(verdict.line);
      if (!object) throw new Error(`nginx refuses the configuration: ${verdict.complaint}`);
      const message = `nginx does not take it, and it is not served: ${verdict.complaint}`;
      return { object, message, content: contentOf(object) };
    }
    return undefined;
  }
}

/** What makes a difference to nginx. */
function contentOf(object: KubeObject & { spec?: unknown }): string {
  return JSON.stringify([object.spec, object.metadata?.annotations]);
}
