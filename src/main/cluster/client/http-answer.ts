import type { IncomingMessage } from 'node:http';
import type { WatchEvent } from '@shared/k8s';
import { apiError } from '../api/errors';
import type { KubeWatch } from './transport';

/** What an HTTP server answered, as the transports give it. */

/** The body. @param mostBytes no limit unless told. @throws ApiError 502 beyond it, 503 when the connection breaks */
export async function readText(response: IncomingMessage, mostBytes = Infinity): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > mostBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw apiError(503, 'ServiceUnavailable', `the connection broke: ${(error as Error).message}`);
  }
  if (size > mostBytes) throw apiError(502, 'InternalError', 'the server answered with more than can be read');
  return Buffer.concat(chunks).toString();
}

/** The body as its media type says: an object for JSON, text otherwise. @throws ApiError 502 */
export function decode(response: IncomingMessage, text: string): unknown {
  if (!/\bjson\b/.test(response.headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw apiError(502, 'InternalError', 'the server answered with JSON that cannot be read');
  }
}

/** The texts of `299 - "…"` headers. */
export function warningsOf(response: IncomingMessage): string[] {
  const header = response.headers.warning;
  if (!header) return [];
  return [...header.matchAll(/\d{3} \S+ "((?:\\.|[^"\\])*)"/g)].map((match) => match[1]!.replace(/\\(.)/g, '$1'));
}

/** Events from lines of JSON, read as they are asked for. */
export class LineWatch<T> implements KubeWatch<T> {
  constructor(private readonly response: IncomingMessage) {}

  close(): void {
    this.response.destroy();
  }

  /** A broken connection ends the watch like the server's own end does: whoever watches lists again. */
  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<T>> {
    let rest = '';
    this.response.setEncoding('utf8');
    try {
      for await (const chunk of this.response as AsyncIterable<string>) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as WatchEvent<T>;
      }
    } catch (error) {
      if (error instanceof SyntaxError) throw apiError(502, 'InternalError', 'a watch event cannot be read');
    } finally {
      this.close();
    }
  }
}
