import { once } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import { socketError, TunnelConnection } from './connection';
import { TunnelFlow, type DatagramFlow } from './datagrams';
import { frameHeader, frameReader, frameType, type Frame } from './frames';

/** A run of kube-tunnel in a container of the cluster's network. */
export interface TunnelSession {
  stdin: Writable;
  stdout: Readable;
  /** Resolves when the program has ended, with what it said of the reason. */
  done: Promise<string>;
  close(): void;
}

/** A way into the cluster's network that needs no route from this machine. */
export interface Tunnel {
  /** Where the program itself answers with `secret`, for whoever has a route to it. */
  readonly own: { port: number; secret: string };
  /** Connects to an IPv4 address. Rejects as sockets do, with `code`; destroyed with the signal. */
  connect(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Exchanges datagrams with an IPv4 address; those that come are given to `taker`. Rejects as sockets do. */
  datagrams(host: string, port: number, taker: (datagram: Buffer) => void): Promise<DatagramFlow>;
  /** Takes connections that others open to the tunnel's container from now on; answers at which port. Once. */
  listen(accept: (connection: Duplex) => void): Promise<number>;
  /** Resolves when its program answers. */
  ping(): Promise<void>;
  /** Resolves when it is no more, whatever ended it. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Whether a way to the tunnel's container leads there, and not to another that has its address. */
export async function reaches({ own }: Tunnel, dial: (port: number) => Promise<Duplex>): Promise<boolean> {
  try {
    let said = '';
    for await (const chunk of (await dial(own.port)) as AsyncIterable<Buffer>) said += chunk.toString();
    return said === own.secret;
  } catch {
    return false;
  }
}

/**
 * Speaks with kube-tunnel. Resolves when it answers.
 * @throws Error with what the program said when it ends instead
 */
export async function openTunnel(session: TunnelSession): Promise<Tunnel> {
  const { stdin, stdout } = session;
  const connections = new Map<number, TunnelConnection>();
  const flows = new Map<number, TunnelFlow>();
  /** Connections that are not there yet, by id. */
  const opening = new Map<number, { opened(): void; failed(code: string): void }>();
  const read = frameReader();
  let over = false;
  let lastId = 0;
  let accept: ((connection: Duplex) => void) | undefined;
  let listening: ((port: number) => void) | undefined;
  let pinged: (() => void) | undefined;
  let hello: ((own: Tunnel['own']) => void) | undefined;
  let draining: Promise<unknown> | undefined;

  const carrier = {
    send(type: number, id: number, payload?: Buffer): boolean {
      if (over) return true;
      stdin.cork();
      stdin.write(frameHeader(type, id, payload?.length ?? 0));
      const room = payload ? stdin.write(payload) : true;
      stdin.uncork();
      return room;
    },
    async drained(): Promise<void> {
      await (draining ??= Promise.race([once(stdin, 'drain'), closed]).finally(() => (draining = undefined)));
    },
    forget(id: number): void {
      connections.delete(id);
      flows.delete(id);
    },
  };

  function add(id: number, signal?: AbortSignal): TunnelConnection {
    const connection = new TunnelConnection(carrier, id, signal);
    connections.set(id, connection);
    return connection;
  }

  const nextId = (): number => (lastId = (lastId + 1) >>> 0 || 1);

  function receive({ type, id, payload, more = false }: Frame): void {
    if (type === frameType.hello) {
      const [port = '', secret = ''] = payload.toString().split(' ');
      hello?.({ port: Number(port), secret });
    }
    if (type === frameType.ping) pinged?.();
    if (type === frameType.listen) listening?.(Number(payload.toString()));
    if (type === frameType.accept) accept?.(add(id));
    const waiting = opening.get(id);
    if (type === frameType.open) waiting?.opened();
    if (type === frameType.close && waiting) waiting.failed(payload.toString());
    if (type === frameType.data) flows.get(id)?.received(payload, more);
    const connection = connections.get(id);
    if (!connection || connection.destroyed) return;
    if (type === frameType.data) connection.received(payload);
    else if (type === frameType.end) connection.receivedEnd();
    else if (type === frameType.window) connection.granted(payload.readUInt32BE());
    // Without an error both sides have ended, and what was read here may still be waiting for its reader.
    else if (type === frameType.close && payload.length > 0) connection.destroy(codeError(payload.toString()));
  }

  const codeError = (code: string): Error => Object.assign(new Error(`read ${code}`), { code });

  function end(): void {
    if (over) return;
    over = true;
    for (const { failed } of opening.values()) failed('ECONNRESET');
    for (const connection of connections.values()) connection.destroy(codeError('ECONNRESET'));
    for (const flow of flows.values()) flow.lost();
    session.close();
  }

  stdin.on('error', end);
  stdout.on('error', end);
  stdout.on('data', (chunk: Buffer) => read(chunk).forEach(receive));
  const closed = session.done.then(
    (said) => (end(), said),
    (error: Error) => (end(), error.message),
  );
  const own = await Promise.race([
    new Promise<Tunnel['own']>((resolve) => (hello = resolve)),
    closed.then((said) => {
      throw new Error(said || 'the tunnel ended at once');
    }),
  ]);

  return {
    own,
    closed: closed.then(() => {}),
    close: end,
    listen: (taker) =>
      new Promise((resolve, reject) => {
        accept = taker;
        listening = resolve;
        void closed.then((said) => reject(new Error(said || 'the tunnel ended')));
        carrier.send(frameType.listen, 0);
      }),
    ping: () =>
      new Promise((resolve) => {
        pinged = resolve;
        carrier.send(frameType.ping, 0);
      }),
    datagrams: (host, port, taker) =>
      new Promise((resolve, reject) => {
        const id = nextId();
        const failed = (code: string): void => {
          opening.delete(id);
          reject(socketError(code || 'ECONNRESET', `${host}:${port}`));
        };
        if (over) return failed('');
        const opened = (): void => {
          opening.delete(id);
          const flow = new TunnelFlow(carrier, id, taker);
          flows.set(id, flow);
          resolve(flow);
        };
        opening.set(id, { opened, failed });
        carrier.send(frameType.open, id, Buffer.from(`${host} ${port} udp`));
      }),
    connect(host, port, signal) {
      const id = nextId();
      const place = `${host}:${port}`;
      return new Promise((resolve, reject) => {
        const aborted = (): void => {
          carrier.send(frameType.close, id);
          fail(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }));
        };
        const settle = (): void => {
          opening.delete(id);
          signal.removeEventListener('abort', aborted);
        };
        const fail = (error: Error): void => {
          settle();
          reject(error);
        };
        if (over) return fail(socketError('ECONNRESET', place));
        if (signal.aborted) return aborted();
        signal.addEventListener('abort', aborted, { once: true });
        opening.set(id, {
          opened() {
            settle();
            resolve(add(id, signal));
          },
          failed: (code) => fail(socketError(code || 'ECONNRESET', place)),
        });
        carrier.send(frameType.open, id, Buffer.from(`${host} ${port} tcp`));
      });
    },
  };
}
