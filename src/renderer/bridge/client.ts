import type {
  MethodName,
  ParamsOf,
  ResultOf,
  StreamDataOf,
  StreamInputOf,
  StreamName,
  StreamParamsOf,
} from '@shared/bridge/contract';
import { WINDOW, type BridgeError, type Port, type ToHost, type ToPage } from '@shared/bridge/protocol';

/** A call or stream that failed; carries what the user is told of it. */
export class BridgeException extends Error {
  constructor(readonly error: BridgeError) {
    super(error.message);
    this.name = 'BridgeException';
  }
}

export type HostPort = Port<ToHost, ToPage>;
export type ConnectionState = 'connecting' | 'open' | 'reconnecting';

export interface StreamHandlers<S extends StreamName> {
  data(data: StreamDataOf<S>): void;
  /** The stream is over: by itself, or with the reason it failed. Not called after `close()`. */
  end?(error?: BridgeError): void;
  /**
   * The connection came back. Answers the parameters to open the stream with
   * again, or null to let it end. Default: the same again.
   */
  reopen?(): StreamParamsOf<S> | null;
}

export interface StreamHandle<S extends StreamName> {
  input(data: StreamInputOf<S>): void;
  /** Ends the stream; nothing is heard of it any more. */
  close(): void;
}

export interface BridgeClientOptions {
  /** Opens a pipe to the host; rejects when there is none now. */
  connect(): Promise<HostPort>;
  /** Runs a function after so many ms. */
  later(run: () => void, ms: number): void;
}

interface OpenStream {
  name: StreamName;
  params: unknown;
  handlers: StreamHandlers<any>;
  /** Whether the host has been asked for it. */
  sent: boolean;
  /** Messages taken since the last ack. */
  taken: number;
}

const FIRST_DELAY = 250;
const LONGEST_DELAY = 5_000;
/** Half the window, so that the sender never has to wait for an ack that is on its way. */
const ACK_EVERY = WINDOW / 2;

const lost: BridgeError = {
  code: 'unavailable',
  message: 'The connection to the app was lost.',
  hint: 'It is being opened again. Try once more when it is back.',
};

/**
 * The page's end of the bridge: calls and streams over one port. When the port
 * closes, running calls fail with `unavailable`, a new port is opened with
 * growing pauses, and streams are opened again.
 */
export class BridgeClient {
  private port: HostPort | undefined;
  private nextId = 1;
  private delay = FIRST_DELAY;
  private readonly calls = new Map<number, { resolve(value: any): void; reject(error: Error): void }>();
  private readonly streams = new Map<number, OpenStream>();
  private readonly waiting: (() => void)[] = [];
  private readonly listeners = new Set<(state: ConnectionState, message?: string) => void>();
  state: ConnectionState = 'connecting';

  constructor(private readonly options: BridgeClientOptions) {
    void this.connect();
  }

  /** Tells each change of the connection. Answers the removal. */
  onState(listener: (state: ConnectionState, message?: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls a method. Aborting the signal cancels it on the host. @throws BridgeException */
  call<M extends MethodName>(
    method: M,
    ...[params, signal]: undefined extends ParamsOf<M>
      ? [params?: ParamsOf<M>, signal?: AbortSignal]
      : [params: ParamsOf<M>, signal?: AbortSignal]
  ): Promise<ResultOf<M>> {
    return new Promise((resolve, reject) => {
      const cancelled = (): void => reject(new BridgeException({ code: 'cancelled', message: 'Cancelled.' }));
      if (signal?.aborted) return cancelled();
      const send = (): void => {
        if (signal?.aborted) return;
        const id = this.nextId++;
        this.calls.set(id, { resolve, reject });
        signal?.addEventListener('abort', () => {
          if (this.calls.delete(id)) this.port?.post({ type: 'close', id });
        });
        this.port!.post({ type: 'call', id, method, params });
      };
      signal?.addEventListener('abort', cancelled, { once: true });
      // Before the first connection calls wait; once there was one, they fail at once.
      if (this.port) send();
      else if (this.state === 'connecting') this.waiting.push(send);
      else reject(new BridgeException(lost));
    });
  }

  /** Opens a stream. It survives reconnects unless `reopen` says otherwise. */
  open<S extends StreamName>(name: S, params: StreamParamsOf<S>, handlers: StreamHandlers<S>): StreamHandle<S> {
    const id = this.nextId++;
    const stream: OpenStream = { name, params, handlers, sent: false, taken: 0 };
    this.streams.set(id, stream);
    this.send(id, stream);
    return {
      input: (data) => {
        if (this.streams.has(id)) this.port?.post({ type: 'input', id, data });
      },
      close: () => {
        if (this.streams.delete(id)) this.port?.post({ type: 'close', id });
      },
    };
  }

  private send(id: number, stream: OpenStream): void {
    if (!this.port) return;
    stream.sent = true;
    stream.taken = 0;
    this.port.post({ type: 'open', id, stream: stream.name, params: stream.params });
  }

  private setState(state: ConnectionState, message?: string): void {
    this.state = state;
    for (const listener of this.listeners) listener(state, message);
  }

  private async connect(): Promise<void> {
    let port: HostPort;
    try {
      port = await this.options.connect();
    } catch (error) {
      this.setState('reconnecting', error instanceof Error ? error.message : String(error));
      return this.retry();
    }
    this.port = port;
    this.delay = FIRST_DELAY;
    port.onMessage((message) => this.receive(message));
    port.onClose(() => this.lose(port));
    this.setState('open');
    this.reopen();
    for (const send of this.waiting.splice(0)) send();
  }

  private retry(): void {
    this.options.later(() => void this.connect(), this.delay);
    this.delay = Math.min(this.delay * 2, LONGEST_DELAY);
  }

  private lose(port: HostPort): void {
    if (this.port !== port) return;
    this.port = undefined;
    this.setState('reconnecting');
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const call of calls) call.reject(new BridgeException(lost));
    this.retry();
  }

  /** Opens every stream on the new port. */
  private reopen(): void {
    // A stream opened by a handler meanwhile is on the new port already.
    const known = [...this.streams];
    for (const [id, stream] of known) {
      // One opened while there was no port is new to the host: nothing to resume.
      const params = stream.sent && stream.handlers.reopen ? stream.handlers.reopen() : stream.params;
      if (params === null) {
        this.streams.delete(id);
        stream.handlers.end?.(lost);
      } else {
        stream.params = params;
        this.send(id, stream);
      }
    }
  }

  private receive(message: ToPage): void {
    const { id } = message;
    if (message.type === 'result' || message.type === 'error') {
      const call = this.calls.get(id);
      this.calls.delete(id);
      if (message.type === 'result') call?.resolve(message.value);
      else call?.reject(new BridgeException(message.error));
      return;
    }
    const stream = this.streams.get(id);
    if (!stream) return;
    if (message.type === 'end') {
      this.streams.delete(id);
      stream.handlers.end?.(message.error);
      return;
    }
    stream.handlers.data(message.data as never);
    stream.taken += 1;
    if (stream.taken >= ACK_EVERY) {
      this.port?.post({ type: 'ack', id, count: stream.taken });
      stream.taken = 0;
    }
  }
}
