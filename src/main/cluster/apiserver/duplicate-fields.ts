interface Level {
  path: string;
  /** Keys seen so far; absent in arrays. */
  keys?: Set<string>;
  /** Position in an array. */
  index: number;
  /** The key whose value comes next. */
  key: string;
}

/**
 * Paths of fields that valid JSON text gives more than once, which JSON.parse
 * does not tell: `spec.replicas`, `spec.containers[0].name`.
 */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
  const stack: Level[] = [];
  let level: Level | undefined;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = stringEnd(text, at);
        if (level?.keys && isKey(text, end)) {
          level.key = unquoted(text.slice(at, end));
          if (level.keys.has(level.key)) found.push(joined(level));
          level.keys.add(level.key);
        }
        at = end - 1;
        break;
      }
      case 0x7b: // {
      case 0x5b: // [
        level = {
          path: level ? joined(level) : '',
          keys: text.charCodeAt(at) === 0x7b ? new Set() : undefined,
          index: 0,
          key: '',
        };
        stack.push(level);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        stack.pop();
        level = stack.at(-1);
        break;
      case 0x2c: // ,
        if (level) level.index++;
        break;
    }
  }
  return found;
}

const joined = ({ path, keys, index, key }: Level) => (keys ? (path ? `${path}.${key}` : key) : `${path}[${index}]`);

/** The position behind the closing quote. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote + 1;
    at = quote;
  }
}

/** Whether a colon follows. */
function isKey(text: string, at: number): boolean {
  let next = at;
  while (text.charCodeAt(next) <= 0x20) next++;
  return text.charCodeAt(next) === 0x3a;
}

const unquoted = (quoted: string) => (quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1));
