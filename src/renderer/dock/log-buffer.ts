import type { LogLine } from '@shared/bridge/contract';

/** A line as the viewer keeps it: numbered, without terminal control sequences. */
export interface ShownLine {
  id: number;
  time?: string;
  /** `pod container` of a merged log; empty otherwise. */
  source: string;
  text: string;
}

const controls =
  // oxlint-disable-next-line no-control-regex -- matching control sequences is the point
  /\u001B\[[0-9;?]*[ -/]*[@-~]|\u001B\][^\u0007]*(?:\u0007|\u001B\\)|[\u0000-\u0008\u000B-\u001F\u007F]/g;

/** The last lines of a log, at most `capacity`: memory stays bounded however long it is followed. */
export class LogBuffer {
  lines: ShownLine[] = [];
  /** How many lines came in, also those that were dropped since. */
  received = 0;

  constructor(private readonly capacity: number) {}

  get dropped(): boolean {
    return this.received > this.lines.length;
  }

  append(batch: LogLine[], merged: boolean): void {
    for (const line of batch) {
      this.lines.push({
        id: ++this.received,
        time: line.time,
        source: merged ? `${line.pod} ${line.container}` : '',
        text: line.text.replace(controls, ''),
      });
    }
    // Dropped in large steps: taking one from the front for each line would copy the array every time.
    if (this.lines.length > this.capacity * 1.1) this.lines = this.lines.slice(-this.capacity);
    else this.lines = [...this.lines];
  }

  clear(): void {
    this.lines = [];
    this.received = 0;
  }
}

/** The search box's text as a pattern; undefined when it is empty, null when it is no regular expression. */
export function searchPattern(text: string): RegExp | undefined | null {
  if (!text) return undefined;
  try {
    return new RegExp(text, 'i');
  } catch {
    return null;
  }
}

/** Indexes of the lines that match. */
export function matchingLines(lines: ShownLine[], pattern: RegExp): number[] {
  const found: number[] = [];
  for (const [index, line] of lines.entries()) if (pattern.test(line.text)) found.push(index);
  return found;
}

/** A text cut into pieces that match and pieces that do not, for highlighting. */
export function pieces(text: string, pattern: RegExp | undefined | null): { text: string; match: boolean }[] {
  if (!pattern) return [{ text, match: false }];
  const cut: { text: string; match: boolean }[] = [];
  let from = 0;
  for (const match of text.matchAll(new RegExp(pattern.source, 'gi'))) {
    if (!match[0]) continue;
    if (match.index > from) cut.push({ text: text.slice(from, match.index), match: false });
    cut.push({ text: match[0], match: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) cut.push({ text: text.slice(from), match: false });
  return cut;
}
