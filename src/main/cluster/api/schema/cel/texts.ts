import type { Environment } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { regexpOf, type Regexp } from '../regexp';
import { charactersPerUnit, linearMatches, spend } from './metered';

/** charAt, replace, reverse, format, find and findAll of strings; url and isURL. */
export function registerTexts(environment: Environment): void {
  environment.registerFunction('string.charAt(int): string', (text: string, at: bigint) => {
    const letters = [...text];
    if (at < 0n || at > BigInt(letters.length)) throw new Error(`index out of range: ${at}`);
    return letters[Number(at)] ?? '';
  });
  environment.registerFunction('string.replace(string, string): string', (text: string, old: string, by: string) =>
    text.replaceAll(old, () => by),
  );
  environment.registerFunction('string.replace(string, string, int): string', replaceSome);
  environment.registerFunction('string.reverse(): string', (text: string) => [...text].reverse().join(''));
  environment.registerFunction('string.format(list): string', format);
  environment.registerFunction('string.find(string): string', (text: string, pattern: string) =>
    searched(text, pattern).find(text),
  );
  // CEL's own `matches`, as a rewritten expression calls it (see metered.ts).
  environment.registerFunction(`string.${linearMatches}(string): bool`, (text: string, pattern: string) =>
    searched(text, pattern).test(text),
  );
  environment.registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
    searched(text, pattern).findAll(text),
  );
  environment.registerFunction(
    'string.findAll(string, int): list<string>',
    (text: string, pattern: string, limit: bigint) =>
      searched(text, pattern).findAll(text, limit < 0n ? Infinity : Number(limit)),
  );
  registerUrls(environment);
}

function replaceSome(text: string, old: string, by: string, count: bigint): string {
  if (count < 0n) return text.replaceAll(old, () => by);
  let left = Number(count);
  return text.replaceAll(old, (found) => (left-- > 0 ? by : found));
}

/** The expression, once the work of searching the text with it is paid. */
function searched(text: string, pattern: string): Regexp {
  const regexp = regexpOf(pattern);
  spend((text.length * regexp.size) / charactersPerUnit);
  return regexp;
}

/** `"%s is %d".format([name, count])`: %s %d %f %e %b %x %X %o, with a precision for %f and %e. */
function format(pattern: string, values: unknown[]): string {
  let at = 0;
  return pattern.replace(/%(?:%|(?:\.(\d+))?([sdfebxXo]))/g, (clause, precision: string | undefined, verb: string) => {
    if (clause === '%%') return '%';
    if (at >= values.length) throw new Error(`index ${at} out of range`);
    const value = values[at++];
    if (verb === 's') return textOf(value);
    if (verb === 'f') return Number(value).toFixed(precision === undefined ? 6 : Number(precision));
    if (verb === 'e') return Number(value).toExponential(precision === undefined ? 6 : Number(precision));
    if (verb === 'd') return String(value);
    if (typeof value === 'boolean') return value ? '1' : '0';
    if (typeof value === 'string') return cased(Buffer.from(value).toString('hex'), verb);
    const radix = verb === 'b' ? 2 : verb === 'o' ? 8 : 16;
    return cased((value as bigint).toString(radix), verb);
  });
}

const cased = (digits: string, verb: string) => (verb === 'X' ? digits.toUpperCase() : digits);

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Duration) return String(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([key, inner]) => `${key}: ${textOf(inner)}`);
  return `{${parts.sort().join(', ')}}`;
}

class Url {
  constructor(readonly url: URL) {}
}

function parseUrl(text: string): Url | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return URL.canParse(text) ? new Url(new URL(text)) : undefined;
  if (!text.startsWith('/') || !URL.canParse(text, 'path://')) return undefined;
  return new Url(new URL(text, 'path://'));
}

function registerUrls(environment: Environment): void {
  environment.registerType('net.URL', Url);
  environment.registerFunction('isURL(string): bool', (text: string) => parseUrl(text) !== undefined);
  environment.registerFunction('url(string): net.URL', (text: string) => {
    const url = parseUrl(text);
    if (!url) throw new Error(`URL parse error during conversion from string: ${JSON.stringify(text)}`);
    return url;
  });
  const scheme = ({ url }: Url) => (url.protocol === 'path:' ? '' : url.protocol.slice(0, -1));
  environment.registerFunction('net.URL.getScheme(): string', scheme);
  environment.registerFunction('net.URL.getHost(): string', ({ url }: Url) => url.host);
  environment.registerFunction('net.URL.getHostname(): string', ({ url }: Url) => url.hostname.replace(/^\[|\]$/g, ''));
  environment.registerFunction('net.URL.getPort(): string', ({ url }: Url) => url.port);
  environment.registerFunction('net.URL.getEscapedPath(): string', ({ url }: Url) => url.pathname);
  environment.registerFunction('net.URL.getQuery(): map<string, list<string>>', ({ url }: Url) =>
    Object.fromEntries([...url.searchParams.keys()].map((key) => [key, url.searchParams.getAll(key)])),
  );
}
