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
  /** The sandbox where network policies hold. */
  private guarded: string | undefined;

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
    if (running && this.guarded === running.id) return { id: running.id, ip: this.link.podIp(view) ?? '' };
    const now = this.host.clock.now();
    if (this.nextTry.at > now) {
      this.link.later(this.nextTry.at - now);
      return undefined;
    }
    try {
      const sandbox = running
        ? { id: running.id, ip: this.link.podIp(view) ?? '' }
        : await this.create(view, volumes, signal);
      try {
        if (!pod.spec!.hostNetwork) await this.host.guardNetwork?.(pod, sandbox);
      } catch (error) {
        // Nothing runs in it yet; the next one may be made of an image with the tools for it.
        if (!running) await this.host.runtime.removeContainer(sandbox.id);
        throw error;
      }
      this.guarded = sandbox.id;
      this.nextTry = { at: 0, ms: firstRetryMs };
      return sandbox;
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

  private async create(
    view: PodView,
    volumes: ReadonlyMap<string, MountedVolume>,
    signal: AbortSignal,
  ): Promise<{ id: string; ip: string }> {
    const pod = this.link.pod();
    const attempt = (view.sandboxes[0]?.attempt ?? -1) + 1;
    const held = [...volumes].filter(([, volume]) => volume.type === 'volume');
    const mounts = held.map(([name, volume]) => ({
      type: volume.type,
      source: volume.source,
      containerPath: `/volumes/${name}`,
      readOnly: false,
    }));
    const id = await this.host.runtime.createSandbox(sandboxSpec(pod, attempt, this.host.node, mounts), signal);
    const ip = pod.spec!.hostNetwork ? this.host.hostIp() : ((await this.host.runtime.inspect(id))?.ip ?? '');
    return { id, ip };
  }
}
