import { readdir } from 'node:fs/promises';
import type { Logger } from '../log';
import { labels, type ListedContainer, type Runtime } from './runtime/types';
import { removePodDirectory } from './volumes';

/** For containers whose pod nobody knows any more. */
const orphanGraceSeconds = 10;

export interface SweepOptions {
  runtime: Runtime;
  log: Logger;
  nodeName: string;
  volumesDirectory: string;
  /** Those that are looked after, by uid. */
  workers: ReadonlyMap<string, { wake(): void }>;
  /** Whether the API has a pod of this node with the uid; only asked once the pods are synced. */
  hasPod(uid: string): boolean;
}

/** Finds what happened to the containers of a node while nobody listened, and what of the engine belongs to no pod. */
export class ContainerSweep {
  private readonly orphans = new Set<string>();
  private known = new Map<string, string>();

  constructor(private readonly options: SweepOptions) {}

  /** Looks at all containers of the node: wakes pods whose containers changed unseen, ends those that belong to no pod. */
  async run(): Promise<void> {
    const listed = await this.options.runtime.list({ [labels.node]: this.options.nodeName });
    const states = new Map<string, string>();
    const byPod = new Map<string, ListedContainer[]>();
    for (const one of listed) {
      const uid = one.labels[labels.podUid] ?? '';
      states.set(one.id, one.state);
      const group = byPod.get(uid);
      if (group) group.push(one);
      else byPod.set(uid, [one]);
    }
    const touched = new Set<string>();
    for (const one of listed) if (this.known.get(one.id) !== one.state) touched.add(one.labels[labels.podUid] ?? '');
    const vanished = [...this.known.keys()].some((id) => !states.has(id));
    this.known = states;
    for (const [uid, worker] of this.options.workers) if (vanished || touched.has(uid)) worker.wake();
    for (const [uid, group] of byPod) if (!this.isKnown(uid)) void this.removeOrphan(uid, group);
    await this.removeLeftVolumes(byPod);
    await this.removeLeftDirectories(byPod);
  }

  private isKnown(uid: string): boolean {
    return this.options.workers.has(uid) || this.options.hasPod(uid);
  }

  private async removeOrphan(uid: string, group: ListedContainer[]): Promise<void> {
    if (this.orphans.has(uid)) return;
    this.orphans.add(uid);
    const { runtime, log, volumesDirectory } = this.options;
    const pod = group[0]!.labels;
    log.info('removing containers of a pod that is gone', {
      pod: `${pod[labels.podNamespace]}/${pod[labels.podName]}`,
      uid,
    });
    try {
      const ends = (one: ListedContainer): boolean => one.labels[labels.kind] !== 'sandbox';
      await Promise.all(
        group
          .filter(ends)
          .map((one) => (one.state === 'running' ? runtime.stopContainer(one.id, orphanGraceSeconds) : undefined)),
      );
      for (const one of group.toSorted((a, b) => Number(ends(b)) - Number(ends(a))))
        await runtime.removeContainer(one.id);
      if (uid) await runtime.removeVolumes({ [labels.podUid]: uid });
      await removePodDirectory(volumesDirectory, uid);
    } catch (error) {
      log.warn('containers of a pod that is gone could not be removed', { uid, error: error as Error });
    } finally {
      this.orphans.delete(uid);
    }
  }

  /** A request that nobody waits for any more, because the agent ended, may be carried out after all else is removed. */
  private async removeLeftVolumes(byPod: Map<string, unknown>): Promise<void> {
    const { runtime, nodeName, log } = this.options;
    const pods = (await runtime.volumes({ [labels.node]: nodeName })).map((one) => one.labels[labels.podUid] ?? '');
    for (const uid of new Set(pods)) {
      if (!uid || byPod.has(uid) || this.isKnown(uid)) continue;
      await runtime
        .removeVolumes({ [labels.podUid]: uid })
        .catch((error: Error) => log.warn('volumes of a pod that is gone could not be removed', { uid, error }));
    }
  }

  private async removeLeftDirectories(byPod: Map<string, unknown>): Promise<void> {
    if (this.options.runtime.kind === 'simulated') return;
    for (const uid of await readdir(this.options.volumesDirectory)) {
      if (!byPod.has(uid) && !this.isKnown(uid))
        await removePodDirectory(this.options.volumesDirectory, uid).catch(() => {});
    }
  }
}
