import { alignTabs, describeLayout } from '../output/tabwriter';

/** Lines of a description: indented by level, cells separated by tabs. */
export class Lines {
  private out = '';

  /** Adds one line (without its line break) at a level of indentation. */
  add(level: number, text: string): void {
    this.out += `${'  '.repeat(level)}${text}\n`;
  }

  /** Adds a map as `Title:\tkey=value` with the further pairs below the first. */
  map(level: number, title: string, map: Record<string, string> | undefined | null, separator = '='): void {
    const keys = Object.keys(map ?? {}).sort();
    if (keys.length === 0) {
      this.add(level, `${title}:\t<none>`);
      return;
    }
    // Further pairs begin with an empty cell, whatever the level.
    keys.forEach((key, at) =>
      this.add(at === 0 ? level : 0, `${at === 0 ? `${title}:` : ''}\t${key}${separator}${map![key]}`),
    );
  }

  /** Annotations: as a map, but long or broken values go on lines of their own. */
  annotations(level: number, title: string, map: Record<string, string> | undefined | null): void {
    const keys = Object.keys(map ?? {})
      .filter((key) => key !== 'kubectl.kubernetes.io/last-applied-configuration')
      .sort();
    if (keys.length === 0) {
      this.add(level, `${title}:\t<none>`);
      return;
    }
    keys.forEach((key, at) => {
      const head = at === 0 ? `${'  '.repeat(level)}${title}:\t` : '\t';
      const value = map![key]!.replace(/\n$/, '');
      if (value.length + key.length + 2 < 140 && !value.includes('\n')) {
        this.add(0, `${head}${key}: ${value}`);
        return;
      }
      this.add(0, `${head}${key}:`);
      for (const line of value.split('\n')) {
        const shown = line.length > 139 ? `${line.slice(0, 139)}...` : line;
        this.add(0, `\t  ${shown}`);
      }
    });
  }

  /** Adds what is laid out already. */
  raw(text: string): void {
    this.out += text;
  }

  /** The lines with their tabs. */
  text(): string {
    return this.out;
  }

  /** The lines with their columns aligned. */
  aligned(): string {
    return alignTabs(this.out, describeLayout);
  }
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** A time stamp in local time as descriptions show it: `Mon, 02 Jan 2006 15:04:05 +0000`. */
export function longTime(time: string | undefined | null): string {
  if (!time) return 'Mon, 01 Jan 0001 00:00:00 +0000';
  const at = new Date(time);
  const offset = -at.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${days[at.getDay()]}, ${two(at.getDate())} ${months[at.getMonth()]} ${at.getFullYear()} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone}`;
}
