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
  /** The container ends by itself after so long, ms; never when absent. */
  runMs?: number;
  exitCode: number;
  oomKilled: boolean;
  /** Only the first so many starts end as above; then it runs on. */
  failures?: number;
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
  stopMs: 20,
  healthy: true,
  cpu: 0.01,
  memory: 24 * 2 ** 20,
};

/** The behaviour an annotation asks for. Fields of the wrong type and unknown ones are ignored, and so is what is not JSON. */
export function behaviourOf(annotation: string | undefined): Behaviour {
  if (!annotation) return defaultBehaviour;
  let wanted: Record<string, unknown>;
  try {
    wanted = JSON.parse(annotation) as Record<string, unknown>;
  } catch {
    return defaultBehaviour;
  }
  if (typeof wanted !== 'object' || wanted === null) return defaultBehaviour;
  const types: Record<keyof Behaviour, string> = {
    pullMs: 'number',
    pullError: 'string',
    startMs: 'number',
    runMs: 'number',
    exitCode: 'number',
    oomKilled: 'boolean',
    failures: 'number',
    stopMs: 'number',
    healthy: 'boolean',
    cpu: 'number',
    memory: 'number',
  };
  const known = Object.entries(wanted).filter(([key, value]) => typeof value === types[key as keyof Behaviour]);
  return { ...defaultBehaviour, ...Object.fromEntries(known) };
}
