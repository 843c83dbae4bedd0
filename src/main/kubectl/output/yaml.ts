/** YAML and JSON text as kubectl prints them: sorted keys, the quoting and folding of Go's YAML encoder. */

const foldWidth = 80;

/** Words that a YAML 1.1 reader would not take as a string. */
const notAString =
  /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))?$/;
const number =
  /^[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?$|^[-+]?0[xX][\da-fA-F_]+$|^[-+]?0[bB][01_]+$|^[-+]?0[oO][0-7_]+$/;
const sexagesimal = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?$/;
const date = /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ \t]+)\d{1,2}:\d{2}:\d{2}.*)?$/;

const readsAsString = (text: string): boolean =>
  !notAString.test(text) && !number.test(text) && !sexagesimal.test(text) && !date.test(text);

/** Characters the encoder shows as escapes: controls, tabs, and everything beyond the basic plane. */
// oxlint-disable-next-line no-control-regex
const special = /[\u0000-\u0009\u000b-\u001f\u007f-\u0084\u0086-\u009f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]/;

function plainAllowed(text: string): boolean {
  if (/^[\s]|[\s]$/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?:\s|$)/.test(text)) return false;
  if (text.startsWith('---') || text.startsWith('...')) return false;
  return !/: |:$| #/.test(text) && !special.test(text);
}

/** Puts a line break at the first single space beyond the fold width. */
function fold(text: string, column: number, indent: string, edges: boolean): string {
  let out = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    const single = char === ' ' && text[at - 1] !== ' ' && text[at + 1] !== ' ';
    const inside = edges || (at > 0 && at < text.length - 1);
    if (single && inside && column > foldWidth && at < text.length - 1) {
      out += `\n${indent}`;
      column = indent.length;
    } else {
      out += char;
      column++;
    }
  }
  return out;
}

const escapes: Record<string, string> = {
  '\0': '\\0',
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\u001b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function escapeChar(char: string): string {
  if (escapes[char]) return escapes[char];
  const code = char.codePointAt(0)!;
  if (!special.test(char)) return char;
  if (code <= 0xff) return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`;
}

function doubleQuoted(text: string, column: number, indent: string, breaks: boolean): string {
  const chars = [...text];
  let out = '"';
  column++;
  let spaces = false;
  chars.forEach((char, at) => {
    if (char === ' ' && breaks && !spaces && column > foldWidth && at > 0 && at < chars.length - 1) {
      out += `\n${indent}`;
      column = indent.length;
      if (chars[at + 1] === ' ') {
        out += '\\';
        column++;
      }
      spaces = true;
      return;
    }
    const escaped = escapeChar(char);
    out += escaped;
    column += escaped.length;
    spaces = char === ' ';
  });
  return `${out}"`;
}

function literal(text: string, indent: string): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = text.endsWith('\n\n') || text === '\n' ? '+' : text.endsWith('\n') ? '' : '-';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  return `|${hint}${chomp}\n${body
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n')}`;
}

/** A string as a value (`column`: where it starts, for folding) or, with `key`, as a mapping key. */
function scalar(text: string, column: number, indent: string, key = false): string {
  if (text.includes('\n') && !key) {
    return / \n| $/.test(text) || special.test(text) ? doubleQuoted(text, column, indent, true) : literal(text, indent);
  }
  if (!readsAsString(text)) return doubleQuoted(text, column, indent, false);
  if (plainAllowed(text)) return key ? text : fold(text, column, indent, true);
  if (special.test(text) || text.includes('\n')) return doubleQuoted(text, column, indent, !key);
  const quoted = text.replaceAll("'", "''");
  return key ? `'${quoted}'` : `'${fold(quoted, column + 1, indent, false)}'`;
}

const isLetter = (char: string): boolean => /\p{L}/u.test(char);
const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9';

/** Key order of the YAML encoder: letters after other signs, runs of digits by value. */
export function compareKeys(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const left = a[at]!;
    const right = b[at]!;
    if (left === right) continue;
    const letters = [isLetter(left), isLetter(right)];
    if (letters[0] && letters[1]) return left < right ? -1 : 1;
    if (letters[0] || letters[1]) return letters[1] ? -1 : 1;
    const digits = (text: string): string => /^\d*/.exec(text.slice(at))![0];
    const [first, second] = [digits(a), digits(b)];
    if (isDigit(left) || isDigit(right)) {
      if (Number(first) !== Number(second)) return Number(first) - Number(second);
      if (first.length !== second.length) return first.length - second.length;
    }
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fields = (value: Record<string, unknown>): string[] =>
  Object.keys(value).filter((key) => value[key] !== undefined);

function inline(value: unknown, column: number, indent: string): string | undefined {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return scalar(value, column, indent);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : undefined;
  if (isObject(value)) return fields(value).length === 0 ? '{}' : undefined;
  return String(value);
}

function node(value: unknown, indent: string): string[] {
  const deeper = `${indent}  `;
  const lines: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) {
      const short = inline(item, indent.length + 2, deeper);
      if (short !== undefined) lines.push(`${indent}- ${short}`);
      else {
        const [first, ...rest] = node(item, deeper);
        lines.push(`${indent}- ${first!.slice(deeper.length)}`, ...rest);
      }
    }
    return lines;
  }
  const object = value as Record<string, unknown>;
  for (const key of fields(object).sort(compareKeys)) {
    const name = `${indent}${scalar(key, 0, '', true)}:`;
    const short = inline(object[key], name.length + 1, deeper);
    if (short !== undefined) lines.push(`${name} ${short}`);
    else lines.push(name, ...node(object[key], Array.isArray(object[key]) ? indent : deeper));
  }
  return lines;
}

/** One YAML document, with a line break at its end. */
export function toYaml(value: unknown): string {
  return `${inline(value, 0, '') ?? node(value, '').join('\n')}\n`;
}

/** The value with its keys in byte order, at every depth. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    fields(value)
      .sort((a, b) => (a < b ? -1 : 1))
      .map((key) => [key, sortKeys(value[key])]),
  );
}

const htmlEscapes: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON as Go encodes it: sorted keys, `<`, `>` and `&` escaped. @param indent spaces per level, 0 for one line */
export function toJson(value: unknown, indent = 4): string {
  return (JSON.stringify(sortKeys(value), null, indent) ?? 'null').replace(
    /[<>&\u2028\u2029]/g,
    (char) => htmlEscapes[char]!,
  );
}
