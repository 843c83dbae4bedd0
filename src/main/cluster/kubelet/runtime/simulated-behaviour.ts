/** What changes in the life of a simulated container. What is absent stays as it was. */
export interface Stage {
  /** How long after each start, ms. */
  afterMs: number;
  healthy?: boolean;
  cpu?: number;
  memory?: number;
  /** The container ends, with this exit code. */
  exitCode?: number;
  oomKilled?: boolean;
}

/**
 * How a simulated container behaves, as data. Given per pod in the annotation
 * `gantry.dev/simulate` as JSON; what is not given keeps the default.
 */
export interface Behaviour {
  /** Until an image is there, ms. */
  pullMs: number;
  /** The registry's answer instead of the image. */
  pullError?: string;
  /** Between start and running, ms. */
  startMs: number;
  /** The container ends by itself after so long, ms; never when absent, unless its work is to end. */
  runMs?: number;
  exitCode: number;
  oomKilled: boolean;
  /** Only the first so many starts end as above or by a stage; then it runs on. */
  failures?: number;
  /** The share of runs (0 to 1) that end with `exitCode`; the others end with 0. */
  failureRate: number;
  /** What happens while it runs. */
  stages: readonly Stage[];
  /** From a stop signal to the end, ms. */
  stopMs: number;
  /** Whether commands (exec probes) succeed. */
  healthy: boolean;
  /** Cores in use, on average. */
  cpu: number;
  /** Bytes in use, on average. */
  memory: number;
}

export const simulateAnnotation = 'gantry.dev/simulate';

export const defaultBehaviour: Behaviour = {
  pullMs: 200,
  startMs: 20,
  exitCode: 0,
  oomKilled: false,
  failureRate: 1,
  stages: [],
  stopMs: 20,
  healthy: true,
  cpu: 0.01,
  memory: 24 * 2 ** 20,
};

/** How long work that ends takes when nothing is said of it, ms: as much as kwok gives the pods of Jobs. */
export const workMs = 1000;

type Types<T> = Record<Exclude<keyof T, 'stages'>, 'number' | 'string' | 'boolean'>;

const stageTypes: Types<Stage> = {
  afterMs: 'number',
  healthy: 'boolean',
  cpu: 'number',
  memory: 'number',
  exitCode: 'number',
  oomKilled: 'boolean',
};

const types: Types<Behaviour> = {
  pullMs: 'number',
  pullError: 'string',
  startMs: 'number',
  runMs: 'number',
  exitCode: 'number',
  oomKilled: 'boolean',
  failures: 'number',
  failureRate: 'number',
  stopMs: 'number',
  healthy: 'boolean',
  cpu: 'number',
  memory: 'number',
};

/**
 * The behaviour an annotation asks for. Fields of the wrong type and unknown ones are ignored, and so is what is not JSON.
 * @param ends it does work that ends: after a moment, unless the annotation says when; `"runMs": null` says never
 */
export function behaviourOf(annotation: string | undefined, ends = false): Behaviour {
  const wanted = parsed(annotation);
  if (!wanted && !ends) return defaultBehaviour;
  const { stages: listed, runMs } = wanted ?? {};
  const stages = (Array.isArray(listed) ? listed.filter(isRecord) : [])
    .map((stage) => ({ afterMs: 0, ...known(stage, stageTypes) }) as Stage)
    .sort((a, b) => a.afterMs - b.afterMs);
  const saysWhen = runMs === null || stages.some(({ exitCode }) => exitCode !== undefined);
  return {
    ...defaultBehaviour,
    ...(ends && !saysWhen ? { runMs: workMs } : {}),
    ...known(wanted ?? {}, types),
    stages,
  };
}

function parsed(annotation: string | undefined): Record<string, unknown> | undefined {
  try {
    const wanted: unknown = annotation && JSON.parse(annotation);
    return isRecord(wanted) ? wanted : undefined;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const known = (wanted: Record<string, unknown>, fields: Record<string, string>): object =>
  Object.fromEntries(Object.entries(wanted).filter(([key, value]) => typeof value === fields[key]));
