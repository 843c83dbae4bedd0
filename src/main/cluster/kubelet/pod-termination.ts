import type { Timer } from '../clock';
import { isNotFound as isApiNotFound, isConflict } from '../client/controller';
import { resources } from '../client/resources';
import { endContainer, removeEnded } from './container-end';
import type { WorkerLink } from './container-starter';
import type { PodHost } from './pod-host';
import { allContainers, isSidecar, observePod, type PodContainer, type PodView } from './pod-view';
import { isUnreachable } from './runtime/docker-errors';
import { labels } from './runtime/types';
import { engineVolume, removePodDirectory } from './volumes';

interface Link extends WorkerLink {
  /** Reports the containers as they ended; resolves when it is written. */
  finalStatus(view: PodView): Promise<void>;
}

const minimumGraceMs = 1000;

/** The way out of a pod: stop what runs within the grace, report, remove everything, confirm the deletion. */
export class PodTermination {
  begun = false;
  /** Containers are being removed; what the runtime shows now is no longer the pod's story. */
  removing = false;
  /** The API has forgotten the pod already. */
  gone = false;
  private deadline = Infinity;
  private cutting: AbortController | undefined;
  private timer: Timer | undefined;

  constructor(
    private readonly host: PodHost,
    private readonly link: Link,
  ) {}

  /** Ends the grace. Made when a pod leaves: most of them stay. */
  private cut(): AbortController {
    return (this.cutting ??= new AbortController());
  }

  podIsGone(): void {
    this.gone = true;
    // Removed while it was leaving: whoever did that does not want to wait.
    if (this.link.pod().metadata.deletionTimestamp) this.limitGrace(0);
  }

  /** A deletion may be repeated with a shorter grace, never with a longer one. */
  limitGrace(seconds: number | undefined): void {
    if (seconds === undefined) return;
    const at = this.host.clock.now() + Math.max(minimumGraceMs, seconds * 1000);
    if (at >= this.deadline) return;
    this.deadline = at;
    this.timer?.cancel();
    this.timer = this.host.clock.setTimeout(() => this.cut().abort(), at - this.host.clock.now());
  }

  /** @returns whether the pod is gone from this node for good; false when it must be tried again */
  async run(): Promise<boolean> {
    this.begun = true;
    try {
      await this.stopAll();
      const pod = this.link.pod();
      const { uid, name, namespace } = pod.metadata;
      const view = await observePod(this.host.runtime, uid);
      if (!this.removing && !this.gone) await this.link.finalStatus(view);
      this.removing = true;
      for (const one of allContainers(view)) await removeEnded(this.host, one.id);
      for (const one of view.sandboxes) {
        await this.host.runtime.stopContainer(one.id, 0);
        await removeEnded(this.host, one.id);
      }
      await this.removeVolumes(uid);
      if (this.host.runtime.kind !== 'simulated') await this.removeFiles(uid);
      if (!this.gone) await this.confirm(namespace, name, uid);
      return true;
    } catch (error) {
      this.begun = false;
      throw error;
    } finally {
      this.timer?.cancel();
    }
  }

  private async removeVolumes(uid: string): Promise<void> {
    const { runtime, log } = this.host;
    try {
      const own = (this.link.pod().spec!.volumes ?? []).filter(({ emptyDir }) => emptyDir !== undefined);
      await runtime.removeVolumes(
        { [labels.podUid]: uid },
        own.map(({ name }) => engineVolume(uid, name)),
      );
    } catch (error) {
      if (isUnreachable(error)) throw error;
      // A container that could not be removed holds them. They go with it.
      log.warn('volumes of a pod could not be removed', { uid, error: error as Error });
    }
  }

  private async removeFiles(uid: string): Promise<void> {
    try {
      await removePodDirectory(this.host.volumesDirectory, uid);
    } catch (error) {
      this.host.log.warn('files of a pod stay behind: its containers made them as another user', {
        uid,
        error: error as Error,
      });
    }
  }

  private async confirm(namespace: string | undefined, name: string, uid: string): Promise<void> {
    try {
      await this.host.client.delete(resources.pods, namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isApiNotFound(error) && !isConflict(error)) throw error;
    }
  }

  private async stopAll(): Promise<void> {
    const pod = this.link.pod();
    this.limitGrace(pod.metadata.deletionGracePeriodSeconds ?? pod.spec!.terminationGracePeriodSeconds ?? 30);
    const view = await observePod(this.host.runtime, pod.metadata.uid);
    const sidecars = (pod.spec!.initContainers ?? []).filter(isSidecar).map((container) => container.name);
    const running = allContainers(view).filter((one) => one.state === 'running');
    await Promise.all(running.filter((one) => !sidecars.includes(one.name)).map((one) => this.stop(one)));
    for (const name of sidecars.toReversed()) {
      await Promise.all(running.filter((one) => one.name === name).map((one) => this.stop(one)));
    }
  }

  private async stop(target: PodContainer): Promise<void> {
    const left = Math.max(0, this.deadline - this.host.clock.now());
    await endContainer(
      this.host,
      this.link.pod(),
      target,
      `Stopping container ${target.name}`,
      left,
      this.cut().signal,
    );
    this.link.changed();
  }
}
