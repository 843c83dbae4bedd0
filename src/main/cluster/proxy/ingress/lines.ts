import { createHash } from 'node:crypto';
import type { KubeObject } from '@shared/k8s';

/** Text that knows who wanted each of its lines. */
export class Lines {
  private readonly all: { text: string; source?: KubeObject }[] = [];

  add(text: string, source?: KubeObject): void {
    for (const line of text.split('\n')) this.all.push({ text: line, ...(source ? { source } : {}) });
  }

  append(other: Lines): void {
    this.all.push(...other.all);
  }

  /** @param line from 1, as nginx counts */
  source(line: number): KubeObject | undefined {
    return this.all[line - 1]?.source;
  }

  toString(): string {
    return `${this.all.map(({ text }) => text).join('\n')}\n`;
  }
}

/** Definitions of variables that stand before the servers, by name, and who wants them. */
export interface Output {
  variables: Map<string, { text: string; source: KubeObject | undefined }>;
  /** Whose lines are being written. */
  source?: KubeObject;
}

/** Puts a definition before the servers; the first of a name stays. */
export function define(output: Output, name: string, text: string): void {
  if (!output.variables.has(name)) output.variables.set(name, { text, source: output.source });
}

/** Defines a variable by a `map`, once for the same content. @returns it, with its `$` */
export function defineMap(
  output: Output,
  input: string,
  rows: string[],
  kind: 'map' | 'split_clients' = 'map',
): string {
  const body = `{\n${rows.join('\n')}\n}`;
  const name = `$gantry_${createHash('sha256').update(`${kind} ${input} ${body}`).digest('hex').slice(0, 16)}`;
  define(output, name, `${kind} ${input} ${name} ${body}`);
  return name;
}
