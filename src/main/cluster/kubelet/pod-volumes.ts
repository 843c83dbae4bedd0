import type { WorkerLink } from './container-starter';
import type { PodHost } from './pod-host';
import {
  MountError,
  mountVolumes,
  refreshVolumes,
  type MountedVolume,
  type MountedVolumes,
  type VolumeContext,
} from './volumes';

/** How soon it is tried again to set up what could not be. */
const mountRetryMs = 5000;

/** The volumes of one pod: set up before anything runs, and their files kept up to date from then on. */
export class PodVolumes {
  private mounted: MountedVolumes | undefined;
  private stale = false;
  private adopted = false;
  /** When the first of the tokens is to be replaced, in ms since the epoch. */
  private renewAt = Infinity;

  constructor(
    private readonly host: PodHost,
    private readonly link: Pick<WorkerLink, 'pod' | 'later'>,
  ) {}

  get byName(): ReadonlyMap<string, MountedVolume> {
    return this.mounted?.byName ?? new Map();
  }

  /** Objects they are made of changed. */
  outdate(): void {
    this.stale = true;
  }

  /**
   * Brings files up to date: of ConfigMaps and Secrets when they changed, of tokens when it is time.
   * @param adopted containers run that an earlier agent started
   */
  async refresh(adopted: boolean): Promise<void> {
    if (!this.mounted && adopted && !this.adopted) {
      this.adopted = true;
      this.stale = true;
    }
    const now = this.host.clock.now();
    if (now >= this.renewAt) this.stale = true;
    else if (this.renewAt !== Infinity) this.link.later(this.renewAt - now);
    if (!this.stale) return;
    this.stale = false;
    if (!this.mounted && !this.adopted) return;
    this.renewAt = Infinity;
    try {
      await refreshVolumes(this.link.pod(), this.context(''));
      if (this.renewAt !== Infinity) this.link.later(this.renewAt - now);
    } catch (error) {
      this.stale = true;
      this.failed(error);
    }
  }

  /** Sets them up, once. @returns false when that is not possible yet; an event says why */
  async mount(podIp: string): Promise<boolean> {
    try {
      this.mounted ??= await mountVolumes(this.link.pod(), this.context(podIp));
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  /** Waits for those that are still on their way. @returns false when one cannot be set up yet; an event says why */
  async complete(): Promise<boolean> {
    try {
      if (this.mounted?.complete) await this.mounted.complete;
      return true;
    } catch (error) {
      this.mounted = undefined;
      this.failed(error);
      return false;
    }
  }

  context(podIp: string): VolumeContext {
    return {
      runtime: this.host.runtime,
      local: this.host.local(),
      directory: this.host.volumesDirectory,
      objects: this.host.objects,
      clusterDomain: this.host.node.clusterDomain,
      onToken: (renewAt) => (this.renewAt = Math.min(this.renewAt, renewAt)),
      facts: {
        nodeName: this.host.node.nodeName,
        hostIp: this.host.hostIp(),
        podIp,
        allocatable: this.host.allocatable(),
      },
    };
  }

  private failed(error: unknown): void {
    if (!(error instanceof MountError)) throw error;
    this.host.recorder.event(this.link.pod(), 'Warning', error.reason, error.message);
    this.link.later(mountRetryMs);
  }
}
