import type { Container, Pod, PodStatus } from '@shared/k8s';
import { isUnreachable } from './runtime/docker-errors';
import { removeEnded } from './container-end';
import { ContainerStarter } from './container-starter';
import type { PodHost } from './pod-host';
import { PodLoop } from './pod-loop';
import { planPod, type PodPlan } from './pod-plan';
import { PodResizer } from './pod-resize';
import { podStatus, type PodFailure, type StatusFacts } from './pod-status';
import { PodTermination } from './pod-termination';
import { allContainers, isSidecar, observePod, runningSandbox, type PodContainer, type PodView } from './pod-view';
import { Prober } from './probes';
import { qosClass } from './qos';
import { StatusWriter } from './status-writer';
import { TerminationMessages } from './termination-messages';

/** How soon a pod that others end for looks whether they have. */
const roomMs = 500;
/** How soon the end of a pod is tried again. */
const endRetryMs = 1000;

/** Serialises everything about one pod: observe, plan, act, report; again whenever something happened. */
export class PodWorker {
  private readonly statuses: StatusWriter;
  private readonly prober: Prober;
  private readonly starter: ContainerStarter;
  private readonly termination: PodTermination;
  private readonly messages: TerminationMessages;
  private readonly startTime: number;
  private readonly resizer: PodResizer;
  private failure: PodFailure | undefined;
  /** Counted among the pods of the node. */
  private admitted = false;
  private settled = false;
  private readonly loop: PodLoop;

  constructor(
    private readonly host: PodHost,
    public pod: Pod,
  ) {
    this.loop = new PodLoop(
      host.clock,
      () => this.sync(),
      (error) => this.syncFailed(error),
    );
    const later = (ms: number): void => this.loop.later(ms);
    this.statuses = new StatusWriter(pod, host);
    this.resizer = new PodResizer(host, { pod: () => this.pod, later }, pod);
    if (pod.status?.startTime && !this.isOver()) this.adopt();
    this.startTime = Date.parse(pod.status?.startTime ?? '') || host.clock.now();
    this.messages = new TerminationMessages(host);
    const changed = (): void => this.wake();
    this.prober = new Prober(host, changed);
    const shared = {
      pod: () => this.resizer.pod(this.pod),
      changed,
      later,
      podIp: (view: PodView) => this.podIp(view),
    };
    this.starter = new ContainerStarter(host, shared);
    this.termination = new PodTermination(host, {
      ...shared,
      finalStatus: (view) => this.finalStatus(view),
    });
  }

  /** The pod changed in the API. */
  update(pod: Pod): void {
    this.observe(pod);
    if (pod.metadata.deletionTimestamp)
      this.termination.limitGrace(pod.metadata.deletionGracePeriodSeconds ?? undefined);
    this.wake();
  }

  /** The pod's status changed in the API, and nothing else. */
  observe(pod: Pod): void {
    this.pod = pod;
    this.statuses.observe(pod);
  }

  /** The pod is gone from the API, without waiting for this node. */
  removed(pod: Pod): void {
    this.pod = pod;
    this.termination.podIsGone();
    this.wake();
  }

  /** The API has forgotten the pod. */
  isGone(): boolean {
    return this.termination.gone;
  }

  /** Objects its volumes are made of changed. */
  refreshVolumes(): void {
    this.starter.refreshVolumes();
    this.wake();
  }

  /** Looks at the pod again, now or as soon as the present look is over. */
  wake(): void {
    this.loop.wake();
  }

  /** Takes its hands off the pod; containers stay as they are. */
  async stop(): Promise<void> {
    this.close();
    this.starter.stop();
    await this.loop.idle();
    await this.statuses.flush();
  }

  private close(): void {
    this.loop.close();
    this.prober.stop();
  }

  private syncFailed(error: Error): void {
    if (isUnreachable(error)) return this.host.engineLost(error);
    const { namespace, name } = this.pod.metadata;
    this.host.log.warn('a pod could not be brought to its desired state, trying again', {
      pod: `${namespace}/${name}`,
      error,
    });
    this.host.recorder.event(this.pod, 'Warning', 'FailedSync', `error syncing pod, will retry: ${error.message}`);
  }

  private async sync(): Promise<void> {
    if (this.pod.metadata.deletionTimestamp || this.termination.begun || this.termination.gone) return this.terminate();
    const view = await observePod(this.host.runtime, this.pod.metadata.uid);
    await this.messages.read(this.pod, view);
    this.checkDeadline();
    if (this.isOver()) return this.settle(view);
    if (!this.admitted && !this.admit(view)) return;

    this.probe(view);
    await this.resizer.sync(view);
    const plan = planPod(this.resizer.pod(this.pod), view, {
      failed: (container) =>
        this.starter.hookFailure(container.id) ??
        this.prober.failed(container.id) ??
        this.resizer.mustRestart(container),
      started: (container) => this.prober.started(container.id) && !this.starter.hookRuns(container.name),
      restartCountOf: (name) => this.lostRestartCount(name),
      hookRunning: this.starter.anyHookRuns(),
    });
    this.report(view);
    if (plan.finished) return this.settle(view);
    if (await this.act(plan, view)) {
      const after = await observePod(this.host.runtime, this.pod.metadata.uid);
      this.probe(after);
      this.report(after);
      // Nothing will announce that a sidecar runs, and what comes after it waits for that.
      if (plan.start.some((action) => isSidecar(action.container))) this.wake();
    }
  }

  private adopt(): void {
    this.admitted = true;
    this.host.admission.adopt(this.resizer.pod(this.pod));
  }

  /** Asks the node for a place. A pod that gets none fails, with nothing else in its status. */
  private admit(view: PodView): boolean {
    if (view.containers.size > 0) {
      this.adopt();
      return true;
    }
    const refusal = this.host.preemption.admit(this.pod);
    if (refusal === 'waiting') {
      this.loop.later(roomMs);
      return false;
    }
    this.admitted = refusal === undefined;
    if (!refusal) return true;
    const { reason, message } = refusal;
    this.host.recorder.event(this.pod, 'Warning', reason, message);
    this.failure = { reason, message: `Pod was rejected: ${message}` };
    this.statuses.publish({ phase: 'Failed', qosClass: qosClass(this.pod), ...this.failure });
    return false;
  }

  /** @returns whether the view may have changed */
  private async act(plan: PodPlan, view: PodView): Promise<boolean> {
    for (const kill of plan.kill) this.starter.kill(kill.target, kill.message, kill.graceSeconds);
    if (!runningSandbox(view) && allContainers(view).some((one) => one.state === 'running')) return false;
    if (plan.removeSandboxes.length > 0 && plan.createSandbox) {
      this.host.recorder.event(
        this.pod,
        'Normal',
        'SandboxChanged',
        'Pod sandbox changed, it will be killed and re-created.',
      );
    }
    for (const sandbox of plan.removeSandboxes) await removeEnded(this.host, sandbox.id);
    await this.starter.refresh(allContainers(view).some((one) => one.state === 'running'));
    if (plan.start.length === 0) return false;
    return this.starter.start(plan.start, view, () => this.report(view));
  }

  /** Nothing of the pod runs any more, nor will. */
  hasEnded(): boolean {
    return this.settled || this.loop.closed;
  }

  /** The pod's work is over: nothing may run any more, what ended stays for its logs. */
  private async settle(view: PodView): Promise<void> {
    this.prober.freeze();
    // A pod that was refused stays as it was reported: nothing of it was ever here.
    if (!this.admitted && view.sandboxes.length === 0 && view.containers.size === 0) return;
    this.host.admission.release(this.pod.metadata.uid);
    const running = allContainers(view).filter((one) => one.state === 'running');
    for (const target of running)
      this.starter.kill(target, `Stopping container ${target.name}`, this.failure?.graceSeconds);
    this.report(view);
    if (running.length > 0) return;
    this.settled = true;
    for (const sandbox of view.sandboxes) {
      await this.host.runtime.stopContainer(sandbox.id, 0);
      await removeEnded(this.host, sandbox.id);
    }
  }

  private async terminate(): Promise<void> {
    this.prober.freeze();
    if (!this.termination.begun) {
      this.starter.stop();
      void this.termination.run().then(
        (ended) => {
          if (!ended) return;
          this.statuses.close();
          this.close();
          this.host.finished(this.pod.metadata.uid);
        },
        (error: Error) => {
          if (isUnreachable(error)) this.host.engineLost(error);
          else this.host.log.warn('a pod could not be ended, trying again', { pod: this.pod.metadata.name, error });
          this.loop.later(endRetryMs);
        },
      );
    }
    if (this.termination.removing) return;
    const view = await observePod(this.host.runtime, this.pod.metadata.uid);
    if (!this.termination.removing) this.report(view);
  }

  private async finalStatus(view: PodView): Promise<void> {
    await this.messages.read(this.pod, view);
    this.report(view, true);
    await this.statuses.flush();
  }

  private isOver(): boolean {
    const phase = this.statuses.last?.phase ?? this.pod.status?.phase;
    return this.failure !== undefined || phase === 'Succeeded' || phase === 'Failed';
  }

  private checkDeadline(): void {
    const seconds = this.pod.spec!.activeDeadlineSeconds;
    if (seconds === undefined || this.isOver()) return;
    const left = this.startTime + seconds * 1000 - this.host.clock.now();
    if (left > 0) return this.loop.later(left);
    const message = 'Pod was active on the node longer than the specified deadline';
    this.failure = { reason: 'DeadlineExceeded', message };
    this.host.recorder.event(this.pod, 'Normal', 'DeadlineExceeded', message);
  }

  /** The node looks after it and it is neither over nor leaving. */
  isActive(): boolean {
    return this.admitted && !this.isOver() && !this.termination.begun;
  }

  /** Ends the pod for a reason of the node's. */
  fail(failure: PodFailure): void {
    if (this.isOver() || this.termination.begun) return;
    this.failure = failure;
    this.wake();
  }

  private containers(): Container[] {
    return [...(this.pod.spec!.initContainers ?? []), ...this.pod.spec!.containers];
  }

  /** For a container that ran once and of which nothing is left, the count goes on. */
  private lostRestartCount(name: string): number | undefined {
    const known = this.statuses.container(name);
    return known?.containerID ? known.restartCount + 1 : undefined;
  }

  private probe(view: PodView): void {
    const ids = new Set<string>();
    const podIp = this.podIp(view);
    for (const container of this.containers()) {
      const one = view.containers.get(container.name)?.[0];
      if (one?.state !== 'running') continue;
      ids.add(one.id);
      const known = this.statuses.container(container.name);
      const before =
        known?.containerID === `${this.host.runtime.kind}://${one.id}`
          ? { ready: known.ready, started: known.started === true }
          : undefined;
      this.prober.watch(this.pod, container, one, podIp ?? '', before);
    }
    this.prober.keep(ids);
  }

  private podIp(view: PodView): string | undefined {
    if (this.pod.spec!.hostNetwork) return this.host.hostIp();
    return runningSandbox(view)?.ip;
  }

  private report(view: PodView, ending = false): void {
    if (this.termination.gone) return;
    const ready = (one: PodContainer): boolean => this.prober.ready(one.id) && !this.starter.hookRuns(one.name);
    const facts: StatusFacts = {
      waiting: this.starter.waiting,
      ready,
      started: (one) => this.prober.started(one.id) && !this.starter.hookRuns(one.name),
      terminationMessage: (one) => this.messages.of(one.id),
      runtimeName: this.host.runtime.kind,
      hostIp: this.host.hostIp(),
      podIp: this.podIp(view),
      startTime: this.startTime,
      ending,
      failure: this.failure,
      resources: (container, one) => this.resizer.resources(container, one),
      passing: this.resizer.conditions(),
      now: this.host.clock.now(),
    };
    const status: PodStatus = podStatus(this.pod, view, facts, this.statuses.last);
    this.statuses.publish(status);
  }
}
