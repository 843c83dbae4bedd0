import { sandboxSpec } from './container-specs';
import type { WorkerLink } from './container-starter';
import type { PodHost } from './pod-host';
import { runningSandbox, type PodView } from './pod-view';
import { isUnreachable } from './runtime/docker-errors';
import type { MountedVolume } from './volumes';

const firstRetryMs = 5000;
const longestRetryMs = 60_000;

/** The sandboxes of one pod, one after the other. */
export class PodSandboxes {
  /** What is left of a failed sandbox announces its end: without a time to wait for, that would start the next at once. */
  private nextTry = { at: 0, ms: firstRetryMs };

  constructor(
    private readonly host: PodHost,
    private readonly link: WorkerLink,
  ) {}

  /** The one that runs, or a new one; undefined when it must be tried again later. */
  async ensure(
    view: PodView,
    volumes: ReadonlyMap<string, MountedVolume>,
    signal: AbortSignal,
  ): Promise<{ id: string; ip: string } | undefined> {
    const pod = this.link.pod();
    const running = runningSandbox(view);
    if (running) return { id: running.id, ip: this.link.podIp(view) ?? '' };
    const now = this.host.clock.now();
    if (this.nextTry.at > now) {
      this.link.later(this.nextTry.at - now);
      return undefined;
    }
    try {
      const attempt = (view.sandboxes[0]?.attempt ?? -1) + 1;
      const held = [...volumes].filter(([, volume]) => volume.type === 'volume');
      const mounts = held.map(([name, volume]) => ({
        type: volume.type,
        source: volume.source,
        containerPath: `/volumes/${name}`,
        readOnly: false,
      }));
      const id = await this.host.runtime.createSandbox(sandboxSpec(pod, attempt, this.host.node, mounts), signal);
      this.nextTry = { at: 0, ms: firstRetryMs };
      const ip = pod.spec!.hostNetwork ? this.host.hostIp() : ((await this.host.runtime.inspect(id))?.ip ?? '');
      return { id, ip };
    } catch (error) {
      if (isUnreachable(error) || signal.aborted) throw error;
      const message = `Failed to create pod sandbox: ${(error as Error).message}`;
      this.host.recorder.event(pod, 'Warning', 'FailedCreatePodSandBox', message);
      const { ms } = this.nextTry;
      this.nextTry = { at: this.host.clock.now() + ms, ms: Math.min(ms * 2, longestRetryMs) };
      this.link.later(ms);
      return undefined;
    }
  }
}
