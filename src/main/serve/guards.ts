import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Names under which the local server may be called; any other Host header is another site's page that rebound its name. */
const localNames = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Splits `HOST:PORT` of a Host header; undefined when it is malformed. */
function splitHost(header: string): { name: string; port: string } | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s/@?#]+)(?::(\d{1,5}))?$/.exec(header);
  return match ? { name: match[1]!.toLowerCase(), port: match[2] ?? '80' } : undefined;
}

/** Whether the request was made to this server by a local name. A forwarded port may differ from ours. */
export function isLocalHost(request: IncomingMessage): boolean {
  const host = splitHost(request.headers.host ?? '');
  return host !== undefined && localNames.has(host.name);
}

/** Whether a WebSocket was opened by our own page: its origin is the very host it calls. */
export function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (!origin || !host || !isLocalHost(request)) return false;
  return origin.toLowerCase() === `http://${host.toLowerCase()}`;
}

/** Compares in a time that does not depend on where they differ. */
export function sameToken(given: string | null | undefined, expected: string): boolean {
  if (!given) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The value of one cookie. */
export function cookie(request: IncomingMessage, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** The path and query that were asked for; undefined when they are none, which anyone may send. */
export function addressOf(request: IncomingMessage): URL | undefined {
  try {
    return new URL(request.url ?? '/', 'http://local');
  } catch {
    return undefined;
  }
}
