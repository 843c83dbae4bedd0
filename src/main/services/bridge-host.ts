import { methods, streams } from '@shared/bridge/contract';
import { type BridgeError, type Port, type ToHost, type ToPage, WINDOW } from '@shared/bridge/protocol';
import { z } from 'zod';
import type { Logger } from '../cluster/log';
import { ServiceError, toBridgeError } from './errors';
import { Doorbell } from '../informers/flow';
import type { Services } from './types';

export interface BridgeHost {
  /** Serves the page at the other end until the port closes. Several may be attached. */
  attach(port: Port<ToPage, ToHost>): void;
  /** Closes every port. */
  close(): void;
}

const id = z.number().int();
const envelope = z.discriminatedUnion('type', [
  z.object({ type: z.literal('call'), id, method: z.string(), params: z.unknown().optional() }),
  z.object({ type: z.literal('open'), id, stream: z.string(), params: z.unknown().optional() }),
  z.object({ type: z.literal('input'), id, data: z.unknown().optional() }),
  z.object({ type: z.literal('ack'), id, count: z.number().int().min(1) }),
  z.object({ type: z.literal('close'), id }),
]);

/** Input kept for a stream that has not asked for it yet. */
const MAX_EARLY_INPUT = 256;

interface OpenStream {
  abort: AbortController;
  /** Messages that may still be sent before the page must acknowledge. */
  credit: number;
  room: Doorbell;
  input(data: unknown): void;
}

const own = <T extends object>(object: T, key: string): T[keyof T] | undefined =>
  Object.hasOwn(object, key) ? object[key as keyof T] : undefined;

class Session {
  private readonly calls = new Map<number, AbortController>();
  private readonly streams = new Map<number, OpenStream>();
  private closed = false;

  constructor(
    private readonly port: Port<ToPage, ToHost>,
    private readonly services: Services,
    private readonly log: Logger,
  ) {
    port.onMessage((message) => this.receive(message));
    port.onClose(() => this.end());
  }

  /** Aborts all that runs for this page. */
  end(): void {
    this.closed = true;
    for (const call of this.calls.values()) call.abort();
    for (const stream of this.streams.values()) stream.abort.abort();
    this.calls.clear();
    this.streams.clear();
  }

  private post(message: ToPage): void {
    if (!this.closed) this.port.post(message);
  }

  private receive(raw: unknown): void {
    if (this.closed) return;
    const parsed = envelope.safeParse(raw);
    if (!parsed.success) {
      this.log.warn('ignored a message that is not of the protocol');
      return;
    }
    const message = parsed.data;
    switch (message.type) {
      case 'call':
        return void this.call(message.id, message.method, message.params);
      case 'open':
        return void this.open(message.id, message.stream, message.params);
      case 'input':
        return this.streams.get(message.id)?.input(message.data);
      case 'ack': {
        const stream = this.streams.get(message.id);
        if (stream) {
          stream.credit = Math.min(WINDOW, stream.credit + message.count);
          stream.room.ring();
        }
        return;
      }
      case 'close':
        return this.cancel(message.id);
    }
  }

  private cancel(id: number): void {
    const call = this.calls.get(id);
    if (call) {
      this.calls.delete(id);
      call.abort();
      this.post({ type: 'error', id, error: { code: 'cancelled', message: 'The action was cancelled.' } });
    }
    const stream = this.streams.get(id);
    if (stream) {
      this.streams.delete(id);
      stream.abort.abort();
      this.post({ type: 'end', id });
    }
  }

  private taken(id: number): boolean {
    return this.calls.has(id) || this.streams.has(id);
  }

  private explain(what: string, error: unknown): BridgeError {
    const told = toBridgeError(error);
    if (told.code === 'internal') this.log.error(`${what} failed`, { error: (error as Error)?.stack ?? String(error) });
    return told;
  }

  private async call(id: number, method: string, params: unknown): Promise<void> {
    const abort = new AbortController();
    try {
      if (this.taken(id)) throw new ServiceError('invalidParams', `The id ${id} is in use.`);
      const declared = own(methods, method);
      if (!declared) throw new ServiceError('unknownMethod', `There is no method "${method}".`);
      const checked = declared.params.parse(params ?? undefined);
      this.calls.set(id, abort);
      const run = this.services.methods[method as keyof typeof methods] as (
        params: unknown,
        context: { signal: AbortSignal },
      ) => Promise<unknown>;
      const value = await run(checked, { signal: abort.signal });
      if (this.calls.get(id) === abort) this.post({ type: 'result', id, value: value ?? null });
    } catch (error) {
      // A cancelled call has been answered already.
      if (!abort.signal.aborted) this.post({ type: 'error', id, error: this.explain(method, error) });
    } finally {
      if (this.calls.get(id) === abort) this.calls.delete(id);
    }
  }

  private async open(id: number, name: string, params: unknown): Promise<void> {
    let stream: OpenStream | undefined;
    try {
      if (this.taken(id)) throw new ServiceError('invalidParams', `The id ${id} is in use.`);
      const declared = own(streams, name);
      if (!declared) throw new ServiceError('unknownMethod', `There is no stream "${name}".`);
      const checked = declared.params.parse(params ?? undefined);
      const { entry, onInput } = this.makeStream(name, declared.input as z.ZodType | undefined);
      stream = entry;
      this.streams.set(id, entry);
      const run = this.services.streams[name as keyof typeof streams] as (
        params: unknown,
        context: { signal: AbortSignal; onInput: (listener: (input: unknown) => void) => void },
      ) => AsyncIterable<unknown>;
      await this.pump(id, entry, run(checked, { signal: entry.abort.signal, onInput }));
      if (!entry.abort.signal.aborted) this.post({ type: 'end', id });
    } catch (error) {
      if (!stream?.abort.signal.aborted) this.post({ type: 'end', id, error: this.explain(name, error) });
    } finally {
      if (stream && this.streams.get(id) === stream) this.streams.delete(id);
      stream?.abort.abort();
    }
  }

  private makeStream(name: string, schema: z.ZodType | undefined) {
    let listener: ((input: unknown) => void) | undefined;
    const early: unknown[] = [];
    const entry: OpenStream = {
      abort: new AbortController(),
      credit: WINDOW,
      room: new Doorbell(),
      input: (data) => {
        const parsed = schema?.safeParse(data);
        if (!parsed?.success) return this.log.warn('ignored input that the stream does not take', { stream: name });
        if (listener) listener(parsed.data);
        else if (early.length < MAX_EARLY_INPUT) early.push(parsed.data);
      },
    };
    const onInput = (taker: (input: unknown) => void) => {
      listener = taker;
      for (const input of early.splice(0)) taker(input);
    };
    return { entry, onInput };
  }

  private async pump(id: number, stream: OpenStream, source: AsyncIterable<unknown>): Promise<void> {
    const { signal } = stream.abort;
    for await (const data of source) {
      if (signal.aborted) return;
      this.post({ type: 'data', id, data });
      stream.credit -= 1;
      while (stream.credit <= 0 && !signal.aborted) await stream.room.wait(signal);
      if (signal.aborted) return;
    }
  }
}

/**
 * The main side of the bridge (D10): checks every call against the contract,
 * numbers nothing itself, sends at most WINDOW unacknowledged messages per
 * stream and cancels what the page closes or leaves behind.
 */
export function createBridgeHost({ services, log }: { services: Services; log: Logger }): BridgeHost {
  const ports = new Map<Port<ToPage, ToHost>, Session>();
  return {
    attach(port) {
      ports.set(port, new Session(port, services, log));
      port.onClose(() => ports.delete(port));
    },
    close() {
      for (const [port, session] of ports) {
        session.end();
        port.close();
      }
      ports.clear();
    },
  };
}
