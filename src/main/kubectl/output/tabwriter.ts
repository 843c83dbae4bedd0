/**
 * Text in elastic columns, the algorithm of Go's text/tabwriter: cells end with a
 * tab, and a column is as wide as its widest cell over consecutive lines that
 * have it. kubectl's tables and descriptions are laid out with it.
 */
export interface TabLayout {
  minWidth: number;
  padding: number;
  /** Column widths survive a flush, so that rows that come later stay aligned. */
  rememberWidths?: boolean;
}

/** What `kubectl get` uses. */
export const tableLayout: TabLayout = { minWidth: 6, padding: 3, rememberWidths: true };
/** What `kubectl describe` uses. */
export const describeLayout: TabLayout = { minWidth: 0, padding: 2 };

const width = (text: string): number => [...text].length;

export class TabWriter {
  private text = '';
  private remembered: number[] = [];

  constructor(
    private readonly write: (text: string) => void,
    private readonly layout: TabLayout,
  ) {}

  add(text: string): void {
    this.text += text;
  }

  forgetWidths(): void {
    this.remembered = [];
  }

  /** Lays out and writes what was added since the last flush. */
  flush(): void {
    if (this.text === '') return;
    const lines = this.text.split('\n').map((line) => line.split('\t'));
    this.text = '';
    const out: string[] = [];
    this.format(lines, 0, lines.length, [], out);
    this.write(out.join('\n'));
  }

  private format(lines: string[][], from: number, to: number, widths: number[], out: string[]): void {
    const column = widths.length;
    let start = from;
    for (let at = from; at < to; at++) {
      if (column >= lines[at]!.length - 1) continue;
      this.writeLines(lines, start, at, widths, out);
      start = at;
      let wide = this.layout.minWidth;
      if (this.layout.rememberWidths) wide = Math.max(wide, this.remembered[column] ?? 0);
      for (; at < to && column < lines[at]!.length - 1; at++) {
        wide = Math.max(wide, width(lines[at]![column]!) + this.layout.padding);
      }
      if (this.layout.rememberWidths) this.remembered[column] = wide;
      this.format(lines, start, at, [...widths, wide], out);
      start = at;
    }
    this.writeLines(lines, start, to, widths, out);
  }

  private writeLines(lines: string[][], from: number, to: number, widths: number[], out: string[]): void {
    for (const cells of lines.slice(from, to)) {
      out.push(
        cells
          .map((cell, column) => (column < widths.length ? cell + ' '.repeat(widths[column]! - width(cell)) : cell))
          .join(''),
      );
    }
  }
}

/** Lays out a whole text at once. */
export function alignTabs(text: string, layout: TabLayout): string {
  let result = '';
  const writer = new TabWriter((chunk) => void (result += chunk), layout);
  writer.add(text);
  writer.flush();
  return result;
}
