import { readFile } from 'node:fs/promises';
import type { Pod } from '@shared/k8s';
import type { PodHost } from './pod-host';
import { allContainers, specContainers, type PodContainer, type PodView } from './pod-view';
import { terminationFile } from './volumes';
import { SmallMap } from './small-map';

const limit = 4096;

/** What ended containers left as their last words. Read once per container. */
export class TerminationMessages {
  private readonly known = new SmallMap<string, string>();

  constructor(private readonly host: PodHost) {}

  async read(pod: Pod, view: PodView): Promise<void> {
    const containers = allContainers(view);
    const ids = new Set(containers.map((one) => one.id));
    for (const id of this.known.keys()) if (!ids.has(id)) this.known.delete(id);
    for (const one of containers) {
      if (one.state === 'exited' && !this.known.has(one.id)) this.known.set(one.id, await this.messageOf(pod, one));
    }
  }

  of(id: string): string | undefined {
    return this.known.get(id) || undefined;
  }

  private async messageOf(pod: Pod, one: PodContainer): Promise<string> {
    if (this.host.runtime.kind === 'simulated') return '';
    const spec = specContainers(pod).find((container) => container.name === one.name);
    const file = terminationFile(this.host.volumesDirectory, pod.metadata.uid, one.name, one.restartCount);
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text || spec?.terminationMessagePolicy !== 'FallbackToLogsOnError' || one.exitCode === 0)
      return text.slice(0, limit);
    const chunks: Buffer[] = [];
    for await (const chunk of await this.host.runtime.logs(one.id, { follow: false, timestamps: false, tail: 80 }))
      chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).subarray(-2048).toString();
  }
}
