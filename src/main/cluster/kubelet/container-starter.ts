import { readFile } from 'node:fs/promises';
import type { Container, Pod } from '@shared/k8s';
import { endContainer, removeEnded } from './container-end';
import { containerSpec } from './container-specs';
import { resolveEnv } from './env';
import { goDuration } from './go-duration';
import { runHook } from './lifecycle-hooks';
import { ConfigError } from './objects';
import type { PodHost } from './pod-host';
import type { StartAction } from './pod-plan';
import type { Waiting } from './pod-status';
import { PodSandboxes } from './pod-sandbox';
import { PodVolumes } from './pod-volumes';
import { fieldPathOf, latest, podLabel, type PodContainer, type PodView } from './pod-view';
import { confinementOf } from './security';
import { SmallMap } from './small-map';
import { isUnreachable } from './runtime/docker-errors';
import { RuntimeError, type ImageInfo } from './runtime/types';
import { managedMounts, mountsOf } from './volumes';

export interface WorkerLink {
  pod(): Pod;
  podIp(view: PodView): string | undefined;
  /** Something happened that the worker should look at. */
  changed(): void;
  /** The worker should look again after so many ms. */
  later(ms: number): void;
}

/** How soon a fault that only the outside can mend is looked at again. */
const configRetryMs = 10_000;

type Busy = 'pulling' | 'stopping' | 'postStart';

/** Starts and kills the containers of one pod. Long work (pulls, hooks, grace) goes on beside the worker. */
export class ContainerStarter {
  /** Why containers that should run do not, by name. */
  readonly waiting = new SmallMap<string, Waiting>();
  private readonly busy = new SmallMap<string, Busy>();
  private readonly images = new SmallMap<string, ImageInfo>();
  private readonly retryAt = new SmallMap<string, number>();
  private readonly hookFailures = new SmallMap<string, { message: string }>();
  private readonly abort = new AbortController();
  private readonly sandboxes: PodSandboxes;
  private readonly volumes: PodVolumes;

  constructor(
    private readonly host: PodHost,
    private readonly link: WorkerLink,
  ) {
    this.sandboxes = new PodSandboxes(host, link);
    this.volumes = new PodVolumes(host, link);
  }

  hookRuns(name: string): boolean {
    return this.busy.get(name) === 'postStart';
  }

  anyHookRuns(): boolean {
    return [...this.busy.values()].includes('postStart');
  }

  hookFailure(id: string): { message: string } | undefined {
    return this.hookFailures.get(id);
  }

  refreshVolumes(): void {
    this.volumes.outdate();
    // What was missing may be there now.
    this.retryAt.clear();
  }

  /** Gives up what is under way (pulls, hooks). */
  stop(): void {
    this.abort.abort();
  }

  /** Brings the files of volumes up to date. @param adopted containers run that an earlier agent started */
  refresh(adopted: boolean): Promise<void> {
    return this.volumes.refresh(adopted);
  }

  /**
   * Starts what is due, in order. @returns whether anything was done
   * @param progress called when a reason for waiting changed before a long step
   */
  async start(actions: StartAction[], view: PodView, progress: () => void): Promise<boolean> {
    const due = actions.filter((action) => this.isDue(action));
    if (due.length === 0) {
      progress();
      return false;
    }
    if (!(await this.volumes.mount(this.link.podIp(view) ?? ''))) return false;
    const sandbox = await this.sandboxes.ensure(view, this.volumes.byName, this.abort.signal);
    if (!sandbox) return false;
    if (!(await this.volumes.complete())) return true;
    let inOrder = true;
    for (const action of due) {
      const image = await this.image(action);
      // The order holds: nothing overtakes a container whose image is still on its way.
      const free = action.kind === 'ephemeral';
      if (image === 'pulling' && !free) inOrder = false;
      if ((!inOrder && !free) || image === 'pulling' || !image) continue;
      if (!(await this.startOne(action, image, sandbox, view))) continue;
      if (this.anyHookRuns()) break;
    }
    return true;
  }

  /** Kills beside the worker: preStop, stop signal, grace, SIGKILL. Once per container. */
  kill(target: PodContainer, message: string, graceSeconds?: number): void {
    if (this.busy.get(target.name) === 'stopping') return;
    const pod = this.link.pod();
    this.busy.set(target.name, 'stopping');
    const grace = graceSeconds ?? pod.spec!.terminationGracePeriodSeconds ?? 30;
    void endContainer(this.host, this.link.pod(), target, message, grace * 1000, new AbortController().signal)
      .catch((error: Error) => {
        this.host.log.warn('a container could not be stopped', { container: target.name, error });
        this.link.later(1000);
      })
      .finally(() => {
        this.busy.delete(target.name);
        this.hookFailures.delete(target.id);
        this.link.changed();
      });
  }

  private isDue(action: StartAction): boolean {
    const { name } = action.container;
    if (this.busy.has(name)) return false;
    const now = this.host.clock.now();
    const retryAt = this.retryAt.get(name) ?? 0;
    if (retryAt > now) {
      this.link.later(retryAt - now);
      return false;
    }
    if (action.after?.state !== 'exited') return true;
    const pod = this.link.pod();
    const key = `${pod.metadata.uid}_${name}`;
    const failedAt = action.after.finishedAt ?? action.after.createdAt;
    const held = this.host.crashes.remaining(key, failedAt, now);
    if (held === 0) return true;
    const message = `back-off ${goDuration(this.host.crashes.delay(key))} restarting failed container=${name} pod=${podLabel(pod)}`;
    if (this.waiting.get(name)?.message !== message) {
      const text = `Back-off restarting failed container ${name} in pod ${podLabel(pod)}`;
      this.host.recorder.event(pod, 'Warning', 'BackOff', text, fieldPathOf(this.link.pod(), action.container));
    }
    this.waiting.set(name, { reason: 'CrashLoopBackOff', message });
    this.link.later(held);
    return false;
  }

  private async image(action: StartAction): Promise<ImageInfo | 'pulling' | undefined> {
    const { container } = action;
    const ready = this.images.get(container.name);
    if (ready) return ready;
    let began = (): void => {};
    const pulling = new Promise<'pulling'>((resolve) => (began = () => resolve('pulling')));
    const work = this.host.images
      .ensure(this.link.pod(), container, fieldPathOf(this.link.pod(), container), this.abort.signal, began)
      .then((outcome) => {
        if ('image' in outcome) {
          this.images.set(container.name, outcome.image);
          return outcome.image;
        }
        this.waiting.set(container.name, outcome.waiting);
        this.retry(container.name, outcome.retryAfterMs);
        return undefined;
      });
    const first = await Promise.race([work, pulling]);
    if (first !== 'pulling') return first;
    this.busy.set(container.name, 'pulling');
    void work
      .catch((error: Error) => {
        if (isUnreachable(error)) this.host.engineLost(error);
      })
      .finally(() => {
        this.busy.delete(container.name);
        this.link.changed();
      });
    return 'pulling';
  }

  private retry(name: string, ms: number): void {
    this.retryAt.set(name, this.host.clock.now() + ms);
    this.link.later(ms);
  }

  /** @returns whether it runs */
  private async startOne(
    action: StartAction,
    image: ImageInfo,
    sandbox: { id: string; ip: string },
    view: PodView,
  ): Promise<boolean> {
    const { container, kind, restartCount, after } = action;
    const pod = this.link.pod();
    const path = fieldPathOf(this.link.pod(), container);
    const { recorder, runtime } = this.host;
    // A pull is good for one start: Always means always.
    this.images.delete(container.name);
    let id: string;
    try {
      const context = this.volumes.context(sandbox.ip);
      const env = await resolveEnv(pod, container, this.host.objects, context.facts);
      const mounts = await mountsOf(pod, container, this.volumes.byName, env, this.host.runtime);
      const managed = await managedMounts(pod, container, restartCount, context);
      const spec = containerSpec(pod, container, {
        kind,
        restartCount,
        sandboxId: sandbox.id,
        pidTarget: pidTargetOf(container, view),
        env,
        mounts: [...mounts, ...managed],
        image,
        node: this.host.node,
        confinement: await confinementOf(pod, container, this.host.seccompDirectory, readText),
      });
      id = await runtime.createContainer(spec, this.abort.signal);
    } catch (error) {
      if (isUnreachable(error) || this.abort.signal.aborted) throw error;
      const reason = error instanceof ConfigError ? 'CreateContainerConfigError' : 'CreateContainerError';
      const { message } = error as Error;
      recorder.event(pod, 'Warning', 'Failed', `Error: ${message}`, path);
      this.waiting.set(container.name, { reason, message });
      this.retry(container.name, configRetryMs);
      return false;
    }
    recorder.event(pod, 'Normal', 'Created', `Created container: ${container.name}`, path);
    if (after?.state === 'exited')
      this.host.crashes.next(`${pod.metadata.uid}_${container.name}`, after.finishedAt ?? after.createdAt);
    try {
      await runtime.startContainer(id);
    } catch (error) {
      if (!(error instanceof RuntimeError) || isUnreachable(error)) throw error;
      recorder.event(pod, 'Warning', 'Failed', `Error: ${error.message}`, path);
      this.waiting.set(container.name, { reason: 'RunContainerError', message: error.message });
      // What the runtime remembers of it ends as a crash; the time is for engines that remember nothing.
      this.retry(container.name, after ? 1000 : 0);
      this.link.changed();
      return false;
    }
    recorder.event(pod, 'Normal', 'Started', `Started container ${container.name}`, path);
    this.waiting.delete(container.name);
    // Of those that ended, the last stays for its logs.
    for (const old of (view.containers.get(container.name) ?? []).slice(1)) await removeEnded(this.host, old.id);
    if (container.lifecycle?.postStart) this.postStart(container, id, sandbox.ip);
    return true;
  }

  private postStart(container: Container, id: string, podIp: string): void {
    const pod = this.link.pod();
    this.busy.set(container.name, 'postStart');
    const target = { id, name: container.name } as PodContainer;
    void runHook(
      container.lifecycle!.postStart!,
      24 * 3_600_000,
      { ...this.host, container, target, podIp },
      this.abort.signal,
    )
      .then((failed) => {
        if (failed === undefined || this.abort.signal.aborted) return;
        this.host.recorder.event(
          pod,
          'Warning',
          'FailedPostStartHook',
          'PostStartHook failed',
          fieldPathOf(this.link.pod(), container),
        );
        this.hookFailures.set(id, { message: 'FailedPostStartHook' });
      })
      .finally(() => {
        this.busy.delete(container.name);
        this.link.changed();
      });
  }
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8');

/** The running container whose processes an ephemeral one wants to see. @throws ConfigError when it does not run */
function pidTargetOf(container: Container, view: PodView): string | undefined {
  const { targetContainerName: name } = container as { targetContainerName?: string };
  if (!name) return undefined;
  const target = latest(view, name);
  if (target?.state !== 'running') throw new ConfigError(`unable to find target container ${name}`);
  return target.id;
}
