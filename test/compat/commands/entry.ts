/** A value that changed between releases of kubectl: the one with the highest minor that is not above the kubectl's. */
export type PerRelease<T> = T | { since: Record<number, T> };

/** What a stream must hold: all of these. A string is the whole of it, for an empty one too. */
export type Expected = string | RegExp | RegExp[];

/** What is to come of a command line. Unless it says otherwise, it ends with 0. */
export interface Outcome {
  /** The exit code; `fails` is any but 0. */
  code?: PerRelease<number | 'fails'>;
  stdout?: PerRelease<Expected>;
  stderr?: PerRelease<Expected>;
  /**
   * What the server has afterwards: path → part of the object, or `gone`. In a path, `{ns}` is the namespace of the
   * chapter and `$NAME` a saved word. Looked at until it is so.
   */
  server?: Record<string, object | 'gone'>;
  /** The file that was written, and what it holds. */
  file?: [name: string, holds: RegExp];
  /** Standard input. */
  input?: string;
  /** Runs in a terminal where this is typed after the first prompt or the pattern. */
  typed?: { after: RegExp; keys: string };
  /** The command goes on by itself: it is ended once its output holds this. */
  until?: RegExp;
  /** What is run while the command above goes on, and what that prints. */
  meanwhile?: [line: string, stdout: RegExp];
  /** Said again until the outcome is right: it depends on something that takes its time. */
  again?: true;
  /** Keeps the output in a variable for the lines that follow. */
  save?: string;
  env?: Record<string, string>;
  /** The first minor of kubectl this is for, and why the ones before cannot do it. */
  since?: [minor: number, why: string];
  /** What our own kubectl lacks for this. */
  ours?: string;
  /** The first minor that needs this no more. */
  before?: number;
}

/** A command line as a user types it. */
export interface Entry extends Outcome {
  /** The ids of the checklist it stands for. */
  ids: string[];
  line: string;
}

/** Command lines that follow each other in a namespace and a folder of their own. */
export interface Chapter {
  name: string;
  /** Files of the folder, by name. */
  files?: Record<string, string>;
  /** Chapters that change the node wait until the others are through. */
  alone?: true;
  entries: Entry[];
}

/**
 * An entry of a script.
 * @param ids separated by blanks, like `CLI-06 CLI-55`
 */
export const cli = (ids: string, line: string, outcome: Outcome = {}): Entry => ({
  ids: ids.split(' '),
  line,
  ...outcome,
});

/** The value for a release. */
export function forRelease<T>(value: PerRelease<T> | undefined, minor: number): T | undefined {
  if (typeof value !== 'object' || value === null || !('since' in value)) return value as T | undefined;
  const best = Object.keys(value.since)
    .map(Number)
    .filter((since) => since <= minor)
    .sort((a, b) => b - a)[0];
  return best === undefined ? undefined : value.since[best];
}
