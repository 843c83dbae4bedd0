import type { Container, Pod, Probe } from '@shared/k8s';
import type { EventRecorder } from '../client/events';
import type { Clock, Timer } from '../clock';
import type { Dial } from '../dial';
import { check, type CheckResult } from './probe-check';
import type { PodContainer } from './pod-view';
import type { Runtime } from './runtime/types';
import { SmallMap } from './small-map';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** Counts results in a row until a threshold is reached. Pure. */
export class ProbeCounter {
  private last: 'success' | 'failure' | undefined;
  private inARow = 0;

  constructor(
    private readonly successThreshold: number,
    private readonly failureThreshold: number,
  ) {}

  /** @returns the state to take on, or undefined while the threshold is not reached */
  add(result: 'success' | 'failure'): 'success' | 'failure' | undefined {
    this.inARow = this.last === result ? this.inARow + 1 : 1;
    this.last = result;
    const threshold = result === 'success' ? this.successThreshold : this.failureThreshold;
    return this.inARow >= threshold ? result : undefined;
  }
}

interface Failure {
  message: string;
  graceSeconds?: number;
}

/** The probes of one running container. */
interface Watched {
  target: PodContainer;
  timers: SmallMap<ProbeKind, Timer>;
  ready: boolean;
  started: boolean;
  failed?: Failure;
}

export interface ProberOptions {
  runtime: Runtime;
  clock: Clock;
  recorder: EventRecorder;
  dial: Dial;
}

/** Runs the probes of a pod's containers and remembers what they say. */
export class Prober {
  private readonly watched = new SmallMap<string, Watched>();
  private stopped = false;

  /** @param changed something about a container changed: the pod is to be looked at again */
  constructor(
    private readonly options: ProberOptions,
    private readonly changed: () => void,
  ) {}

  /**
   * Probes a running container from now on; known ones are left as they are.
   * @param before what was known of this very container when this process started
   */
  watch(
    pod: Pod,
    container: Container,
    target: PodContainer,
    podIp: string,
    before?: { ready: boolean; started: boolean },
  ): void {
    if (this.stopped || this.watched.has(target.id)) return;
    const watched: Watched = {
      target,
      timers: new SmallMap(),
      ready: !container.readinessProbe || before?.ready === true,
      started: !container.startupProbe || before?.started === true,
    };
    this.watched.set(target.id, watched);
    const run = (kind: ProbeKind, probe: Probe | undefined): void => {
      if (probe) this.begin(kind, probe, pod, container, watched, podIp);
    };
    if (!watched.started) run('startup', container.startupProbe);
    run('readiness', container.readinessProbe);
    run('liveness', container.livenessProbe);
  }

  /** Ends the probes of all containers but these. */
  keep(ids: Set<string>): void {
    for (const id of this.watched.keys()) {
      if (ids.has(id)) continue;
      for (const timer of this.watched.get(id)!.timers.values()) timer.cancel();
      this.watched.delete(id);
    }
  }

  /** Probes no more but remembers what was found. */
  freeze(): void {
    this.stopped = true;
    for (const { timers } of this.watched.values()) {
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
    }
  }

  ready(id: string): boolean {
    return this.watched.get(id)?.ready ?? false;
  }

  started(id: string): boolean {
    return this.watched.get(id)?.started ?? false;
  }

  failed(id: string): Failure | undefined {
    return this.watched.get(id)?.failed;
  }

  stop(): void {
    this.stopped = true;
    this.keep(new Set());
  }

  private begin(kind: ProbeKind, probe: Probe, pod: Pod, container: Container, watched: Watched, podIp: string): void {
    const { clock, runtime, dial } = this.options;
    const { target } = watched;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
    const counter = new ProbeCounter(probe.successThreshold ?? 1, probe.failureThreshold ?? 3);
    const alive = (): boolean => !this.stopped && this.watched.get(target.id) === watched;
    const later = (ms: number): void =>
      void watched.timers.set(
        kind,
        clock.setTimeout(() => void once(), ms),
      );

    const once = async (): Promise<void> => {
      if (!alive()) return;
      // Until the container has started, only its startup probe runs.
      if (kind !== 'startup' && !watched.started) return later(Math.min(periodMs, 1000));
      const outcome = await check(probe, timeoutMs, { runtime, dial, clock, container, target, podIp });
      if (!alive()) return;
      this.report(kind, outcome, pod, container);
      if (outcome.result !== 'unknown' && this.take(kind, counter.add(outcome.result), probe, container, watched))
        return;
      later(periodMs);
    };
    const due = (target.startedAt ?? clock.now()) + (probe.initialDelaySeconds ?? 0) * 1000;
    later(Math.max(0, due - clock.now()));
  }

  private report(kind: ProbeKind, { result, output }: CheckResult, pod: Pod, container: Container): void {
    if (result === 'success') return;
    const name = `${kind[0]!.toUpperCase()}${kind.slice(1)}`;
    const words = result === 'failure' ? 'failed' : 'errored';
    const field = pod.spec!.containers.includes(container) ? 'containers' : 'initContainers';
    this.options.recorder.event(
      pod,
      'Warning',
      'Unhealthy',
      `${name} probe ${words}: ${output}`,
      `spec.${field}{${container.name}}`,
    );
  }

  /** @returns whether this probe is at its end */
  private take(
    kind: ProbeKind,
    state: 'success' | 'failure' | undefined,
    probe: Probe,
    container: Container,
    watched: Watched,
  ): boolean {
    if (!state) return false;
    if (kind === 'readiness') {
      const ready = state === 'success';
      if (watched.ready !== ready) {
        watched.ready = ready;
        this.changed();
      }
      return false;
    }
    if (state === 'success') {
      if (kind === 'liveness') return false;
      watched.started = true;
      this.changed();
      return true;
    }
    watched.failed = {
      message: `Container ${container.name} failed ${kind} probe, will be restarted`,
      ...(probe.terminationGracePeriodSeconds === undefined
        ? {}
        : { graceSeconds: probe.terminationGracePeriodSeconds }),
    };
    this.changed();
    return true;
  }
}
