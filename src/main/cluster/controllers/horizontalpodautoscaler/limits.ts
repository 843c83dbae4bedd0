/** From what metrics ask for to what is done: stabilization, and how fast and how far replicas may change. Pure. */
import type { HorizontalPodAutoscaler } from '@shared/k8s';

export type Behavior = NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['behavior']>;
type Rules = NonNullable<Behavior['scaleUp']>;

export interface Recommendation {
  replicas: number;
  /** ms */
  time: number;
}

/** A change of an autoscaler's own: by how many replicas, and when (ms). */
export interface ScaleChange {
  by: number;
  time: number;
}

/** What an autoscaler remembers; a restart forgets it, as in Kubernetes. */
export interface History {
  recommendations: Recommendation[];
  ups: ScaleChange[];
  downs: ScaleChange[];
}

export interface Bounds {
  current: number;
  min: number;
  max: number;
  /** ms */
  now: number;
}

/** A condition's status, reason and message. */
export interface Verdict {
  status: 'True' | 'False';
  reason: string;
  message: string;
}

export interface Decision {
  replicas: number;
  ableToScale: Verdict;
  scalingLimited: Verdict;
}

/** How long a lower recommendation has to last where the autoscaler does not say (Kubernetes' default), in seconds. */
const downWindow = 300;

const upRules = (behavior: Behavior | undefined): Rules => ({ stabilizationWindowSeconds: 0, ...behavior?.scaleUp });
const downRules = (behavior: Behavior | undefined): Rules => ({ ...behavior?.scaleDown });
const windowMs = ({ stabilizationWindowSeconds = downWindow }: Rules): number => stabilizationWindowSeconds * 1000;

/** Brings what metrics ask for within the rules, and remembers it. */
export function decide(wanted: number, behavior: Behavior | undefined, history: History, at: Bounds): Decision {
  const stable = stabilize(wanted, behavior, history, at);
  const { replicas, ...limit } = limited(stable.replicas, behavior, history, at);
  return {
    replicas,
    ableToScale: stable.verdict,
    scalingLimited: { status: replicas === stable.replicas ? 'False' : 'True', ...limit },
  };
}

function stabilize(wanted: number, behavior: Behavior | undefined, history: History, { current, now }: Bounds) {
  const upCutoff = now - windowMs(upRules(behavior));
  const downCutoff = now - windowMs(downRules(behavior));
  let up = wanted;
  let down = wanted;
  for (const { replicas, time } of history.recommendations) {
    if (time > upCutoff) up = Math.min(up, replicas);
    if (time > downCutoff) down = Math.max(down, replicas);
  }
  const kept = history.recommendations.filter(({ time }) => time > Math.min(upCutoff, downCutoff));
  history.recommendations = [...kept, { replicas: wanted, time: now }];
  const replicas = Math.min(Math.max(current, up), down);
  return { replicas, verdict: stabilizedVerdict(wanted, replicas, current) };
}

function stabilizedVerdict(wanted: number, stable: number, current: number): Verdict {
  if (stable === wanted) {
    return { status: 'True', reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
  }
  const message = 'recent recommendations were';
  return wanted >= current
    ? {
        status: 'True',
        reason: 'ScaleUpStabilized',
        message: `${message} lower than current one, applying the lowest recent recommendation`,
      }
    : {
        status: 'True',
        reason: 'ScaleDownStabilized',
        message: `${message} higher than current one, applying the highest recent recommendation`,
      };
}

const withinRange = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
};

function limited(wanted: number, behavior: Behavior | undefined, history: History, at: Bounds) {
  const { current, min, max } = at;
  if (wanted > current) {
    const fastest = Math.max(current, upLimit(behavior, history, at));
    const most = Math.min(max, fastest);
    if (wanted <= most) return { replicas: wanted, ...withinRange };
    return fastest < max
      ? {
          replicas: most,
          reason: 'ScaleUpLimit',
          message: 'the desired replica count is increasing faster than the maximum scale rate',
        }
      : {
          replicas: most,
          reason: 'TooManyReplicas',
          message: 'the desired replica count is more than the maximum replica count',
        };
  }
  if (wanted < current) {
    const fastest = Math.min(current, downLimit(behavior, history, at));
    const least = Math.max(min, fastest);
    if (wanted >= least) return { replicas: wanted, ...withinRange };
    return fastest > min
      ? {
          replicas: least,
          reason: 'ScaleDownLimit',
          message: 'the desired replica count is decreasing faster than the maximum scale rate',
        }
      : {
          replicas: least,
          reason: 'TooFewReplicas',
          message: 'the desired replica count is less than the minimum replica count',
        };
  }
  return { replicas: wanted, ...withinRange };
}

/** How many replicas there were before the changes of a policy's period. */
function atPeriodStart(periodSeconds: number, { ups, downs }: History, { current, now }: Bounds): number {
  const sum = (changes: ScaleChange[]): number =>
    changes.filter(({ time }) => time > now - periodSeconds * 1000).reduce((all, { by }) => all + by, 0);
  return current - sum(ups) + sum(downs);
}

/** Without `behavior` each step may double the replicas, or bring them to four. */
function upLimit(behavior: Behavior | undefined, history: History, at: Bounds): number {
  if (!behavior) return Math.max(2 * at.current, 4);
  const { selectPolicy, policies = [] } = upRules(behavior);
  if (selectPolicy === 'Disabled') return at.current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = atPeriodStart(periodSeconds, history, at);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

/** Without `behavior` there is none. */
function downLimit(behavior: Behavior | undefined, history: History, at: Bounds): number {
  if (!behavior) return 0;
  const { selectPolicy, policies = [] } = downRules(behavior);
  if (selectPolicy === 'Disabled') return at.current;
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const start = atPeriodStart(periodSeconds, history, at);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  // The policy that allows the least change is the one that leaves the most.
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}

/** Remembers a change that was made, for as long as a policy may ask for it. */
export function remember(history: History, from: number, to: number, now: number): void {
  const longestMs = 1_800_000;
  const kept = (changes: ScaleChange[]) => changes.filter(({ time }) => time > now - longestMs);
  history.ups = kept(history.ups);
  history.downs = kept(history.downs);
  if (to > from) history.ups.push({ by: to - from, time: now });
  else if (to < from) history.downs.push({ by: from - to, time: now });
}
