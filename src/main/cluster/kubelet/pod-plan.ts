import type { Container, Pod } from '@shared/k8s';
import {
  allContainers,
  ephemeralContainers,
  hashOf,
  isSidecar,
  latest,
  runningSandbox,
  type PodContainer,
  type PodSandbox,
  type PodView,
} from './pod-view';

export interface StartAction {
  container: Container;
  kind: 'init' | 'app' | 'ephemeral';
  restartCount: number;
  /** The ended container it follows; its end is what back-off counts from. */
  after?: PodContainer;
}

export interface KillAction {
  target: PodContainer;
  /** The message of the Killing event. */
  message: string;
  /** What a failed probe asks for instead of the pod's grace. */
  graceSeconds?: number;
}

/** What has to be done next to bring a pod to what its spec says. */
export interface PodPlan {
  kill: KillAction[];
  /** Sandboxes that are over; they go, and with them what is left in them. */
  removeSandboxes: PodSandbox[];
  createSandbox: boolean;
  /** In order. Those of one plan may start one after the other. */
  start: StartAction[];
  /** Nothing runs and nothing will: the pod is at its end. */
  finished: boolean;
}

/** What probes and running work say about containers, by id or name. */
export interface PlanFacts {
  /** Why a running container must be restarted: a liveness or startup probe failed. */
  failed(container: PodContainer): { message: string; graceSeconds?: number } | undefined;
  /** Passed its startup probe (or has none). */
  started(container: PodContainer): boolean;
  /** The container count that the API knew, for containers that left no trace in the runtime. */
  restartCountOf(name: string): number | undefined;
  /** A postStart hook is running: what comes after waits. */
  hookRunning: boolean;
}

/** Whether an ended container is to run again. */
export function shouldRestart(policy: string | undefined, container: Container, ended: PodContainer): boolean {
  return ended.state === 'created' || restartsAfter(policy, container, ended.exitCode ?? 0);
}

/** The container's own rules come first, then its own policy, then that of the pod. */
export function restartsAfter(policy: string | undefined, container: Container, exitCode: number): boolean {
  const ruled = container.restartPolicyRules?.some(({ action, exitCodes }) => {
    const named = exitCodes?.values?.includes(exitCode) ?? false;
    return action === 'Restart' && exitCodes && (exitCodes.operator === 'NotIn' ? !named : named);
  });
  const rule = container.restartPolicy ?? policy ?? 'Always';
  return ruled === true || rule === 'Always' || (rule === 'OnFailure' && exitCode !== 0);
}

function startOf(container: Container, kind: 'init' | 'app', view: PodView, facts: PlanFacts): StartAction {
  const after = latest(view, container.name);
  if (!after) return { container, kind, restartCount: facts.restartCountOf(container.name) ?? 0 };
  // One that was created and never started did not count as a run.
  return after.state === 'created'
    ? { container, kind, restartCount: after.restartCount }
    : { container, kind, restartCount: after.restartCount + 1, after };
}

/** Decides, without doing anything. The pod is neither terminating nor at its end. */
export function planPod(pod: Pod, view: PodView, facts: PlanFacts): PodPlan {
  const plan: PodPlan = { kill: [], removeSandboxes: [], createSandbox: false, start: [], finished: false };
  const sandbox = runningSandbox(view);
  const running = allContainers(view).filter((one) => one.state === 'running');

  for (const one of view.sandboxes) if (one !== sandbox) plan.removeSandboxes.push(one);
  if (!sandbox) {
    for (const target of running) {
      plan.kill.push({ target, message: `Stopping container ${target.name}` });
    }
  } else plan.kill.push(...supplanted(running, view, sandbox));

  const next = nextContainers(pod, view, facts, sandbox, plan);
  if (next === 'over') {
    // Sidecars follow the work they served.
    plan.kill = running.map((target) => ({ target, message: `Stopping container ${target.name}` }));
    plan.finished = running.length === 0;
    return plan;
  }
  plan.createSandbox = !sandbox && next.length > 0;
  const added = sandbox || plan.createSandbox ? ephemeralStarts(pod, view, facts) : [];
  plan.start = [...added, ...(facts.hookRunning ? [] : next)];
  return plan;
}

/** Containers that run although their time is over: whoever uses the engine can start an old one again. */
function supplanted(running: PodContainer[], view: PodView, sandbox: PodSandbox): KillAction[] {
  return running.flatMap((target) => {
    const stopping = `Stopping container ${target.name}`;
    if (target !== latest(view, target.name))
      return [{ target, message: `${stopping}, another has taken its place`, graceSeconds: 0 }];
    return target.sandboxId === sandbox.id ? [] : [{ target, message: `${stopping}, its sandbox is gone` }];
  });
}

/** Ephemeral containers start as soon as there is a sandbox, and never again. */
function ephemeralStarts(pod: Pod, view: PodView, facts: PlanFacts): StartAction[] {
  return ephemeralContainers(pod)
    .filter(({ name }) => {
      const one = latest(view, name);
      return one ? one.state === 'created' : facts.restartCountOf(name) === undefined;
    })
    .map((container) => ({ container, kind: 'ephemeral', restartCount: 0 }));
}

/** App containers of the present sandbox exist only once all init containers are through. */
function initialized(pod: Pod, view: PodView, sandbox: PodSandbox | undefined): boolean {
  return pod.spec!.containers.some((container) =>
    view.containers.get(container.name)?.some((one) => sandbox && one.sandboxId === sandbox.id),
  );
}

/** @returns `over` when nothing is to run any more */
function nextContainers(
  pod: Pod,
  view: PodView,
  facts: PlanFacts,
  sandbox: PodSandbox | undefined,
  plan: PodPlan,
): StartAction[] | 'over' {
  const policy = pod.spec!.restartPolicy;
  const inits = pod.spec!.initContainers ?? [];
  const start: StartAction[] = [];
  const done = initialized(pod, view, sandbox);
  const ended = pod.spec!.containers.every((container) => {
    const one = latest(view, container.name);
    return one !== undefined && one.state === 'exited' && !shouldRestart(policy, container, one);
  });

  if (ended) return 'over';
  for (const container of inits) {
    const one = latest(view, container.name);
    const current = one && sandbox && one.sandboxId === sandbox.id ? one : undefined;
    if (isSidecar(container)) {
      if (current?.state === 'running') {
        const kill = killOf(container, current, facts);
        if (kill) plan.kill.push(kill);
        if (!done && (kill || !facts.started(current))) return start;
        continue;
      }
      start.push(startOf(container, 'init', view, facts));
      if (!done) return start;
      continue;
    }
    if (done) continue;
    if (!current || current.state === 'created') return [...start, startOf(container, 'init', view, facts)];
    if (current.state === 'running') {
      const kill = killOf(container, current, facts);
      if (kill) plan.kill.push(kill);
      return start;
    }
    if (current.exitCode === 0) continue;
    return policy === 'Never' ? 'over' : [...start, startOf(container, 'init', view, facts)];
  }

  for (const container of pod.spec!.containers) {
    const one = latest(view, container.name);
    if (one?.state === 'running' && sandbox) {
      const kill = killOf(container, one, facts);
      if (kill) plan.kill.push(kill);
    } else if (one?.state !== 'running' && (!one || shouldRestart(policy, container, one))) {
      start.push(startOf(container, 'app', view, facts));
    }
  }
  return start;
}

function killOf(container: Container, one: PodContainer, facts: PlanFacts): KillAction | undefined {
  if (one.hash !== hashOf(container)) {
    return { target: one, message: `Container ${container.name} definition changed, will be restarted` };
  }
  const failed = facts.failed(one);
  return failed ? { target: one, ...failed } : undefined;
}
