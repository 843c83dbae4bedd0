import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { FrameDecoder, FrameEncoder, goAwayStatus, initialWindowSetting, resetStatus, type Frame } from './frames';
import type { Headers } from './headers';
import { ProtocolError } from './protocol-error';
import { SpdyStream, type StreamOwner } from './stream';

/** What the protocol gives every stream and the connection before anyone says otherwise. */
const defaultWindow = 64 * 1024;
const largestFrame = 32 * 1024;
/** Received and not read, over all streams: a peer that minds no window is stopped by not reading from it. */
const mostUnread = 8 * 1024 * 1024;
const mostStreams = 4096;
/** How long a connection may take to close after its end, in ms. */
const lingerMs = 5_000;
const largestWindow = 0x7fff_ffff;

export interface SessionOptions {
  role: 'client' | 'server';
  /** A stream the peer opened. It is answered at once; false refuses it. */
  onStream?: (stream: SpdyStream) => boolean | void;
}

interface Waiting {
  stream: SpdyStream;
  data: Buffer;
  fin: boolean;
  done: () => void;
}

/**
 * SPDY/3.1 over a connection that is already there. Emits `close` (with the error, if that was why) once.
 *
 * Kubernetes' own implementation knows no flow control: it sends without looking at windows and acknowledges nothing.
 * So windows bind us only once the peer has shown that it keeps them (SETTINGS or WINDOW_UPDATE), and towards a peer
 * that ignores ours there is the connection's own back-pressure.
 */
export class SpdySession extends EventEmitter<{ close: [Error | undefined] }> implements StreamOwner {
  private readonly decoder = new FrameDecoder();
  private readonly encoder = new FrameEncoder();
  private readonly streams = new Map<number, SpdyStream>();
  private readonly waiting: Waiting[] = [];
  private nextId: number;
  private lastPeerId = 0;
  private peerKeepsWindows = false;
  private initialSendWindow = defaultWindow;
  private sendWindow = defaultWindow;
  private unread = 0;
  private unacknowledged = 0;
  private full = false;
  private leaving = false;
  private over = false;

  constructor(
    private readonly connection: Duplex,
    private readonly options: SessionOptions,
  ) {
    super();
    this.nextId = options.role === 'client' ? 1 : 2;
    connection.on('data', (bytes: Buffer) => this.receive(bytes));
    connection.on('drain', () => {
      this.full = false;
      this.flush();
    });
    connection.on('error', (error) => this.finish(error));
    connection.on('end', () => this.finish());
    connection.on('close', () => this.finish());
    this.write({ type: 'settings', entries: [{ id: initialWindowSetting, value: defaultWindow }] });
  }

  /** How many streams are open. */
  get size(): number {
    return this.streams.size;
  }

  get ended(): boolean {
    return this.over;
  }

  /** Opens a stream. What is written to it waits until the peer has taken it. */
  open(headers: Headers): SpdyStream {
    const stream = new SpdyStream(this.nextId, headers, this.initialSendWindow, this);
    if (this.over || this.leaving) {
      stream.destroy(new Error('the connection is closed'));
      return stream;
    }
    this.nextId += 2;
    this.streams.set(stream.id, stream);
    this.write({ type: 'synStream', stream: stream.id, headers, fin: false, unidirectional: false });
    return stream;
  }

  /** Ends the connection after what has been sent; streams that are open end with it. */
  close(): void {
    if (!this.leaving) this.write({ type: 'goAway', lastStream: this.lastPeerId, status: goAwayStatus.ok });
    this.leaving = true;
    this.finish();
  }

  /** Ends the connection and every stream on it now. */
  destroy(error?: Error): void {
    this.finish(error);
    this.connection.destroy();
  }

  send(stream: SpdyStream, data: Buffer, fin: boolean, done: () => void): void {
    this.waiting.push({ stream, data, fin, done });
    if (!this.full) this.flush();
  }

  consumed(stream: SpdyStream, bytes: number): void {
    const { connection } = this;
    this.unread -= bytes;
    if (this.over) return;
    if (this.unread < mostUnread && connection.isPaused()) connection.resume();
    this.unacknowledged += bytes;
    if (this.unacknowledged >= defaultWindow / 2) {
      this.write({ type: 'windowUpdate', stream: 0, delta: this.unacknowledged });
      this.unacknowledged = 0;
    }
    stream.unacknowledged += bytes;
    if (stream.unacknowledged >= defaultWindow / 2 && this.streams.has(stream.id) && !stream.destroyed) {
      this.write({ type: 'windowUpdate', stream: stream.id, delta: stream.unacknowledged });
      stream.unacknowledged = 0;
    }
  }

  closed(stream: SpdyStream, whole: boolean): void {
    const open = this.streams.delete(stream.id);
    for (let index = this.waiting.length - 1; index >= 0; index--) {
      if (this.waiting[index]!.stream === stream) this.waiting.splice(index, 1)[0]!.done();
    }
    if (!open) return;
    if (!whole) this.write({ type: 'rstStream', stream: stream.id, status: resetStatus.cancel });
    this.endIfIdle();
  }

  /** Ends a stream that the peer knows to be over. */
  private drop(stream: SpdyStream, error?: Error): void {
    this.streams.delete(stream.id);
    stream.destroy(error);
    this.endIfIdle();
  }

  private endIfIdle(): void {
    if (this.leaving && this.streams.size === 0) this.finish();
  }

  private receive(bytes: Buffer): void {
    try {
      for (const frame of this.decoder.decode(bytes)) {
        if (this.over) return;
        this.handle(frame);
      }
    } catch (error) {
      this.write({ type: 'goAway', lastStream: this.lastPeerId, status: goAwayStatus.protocolError });
      this.finish(error as Error);
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  private handle(frame: Frame): void {
    switch (frame.type) {
      case 'data':
        return this.data(frame);
      case 'synStream':
        return this.accept(frame);
      case 'synReply':
      case 'headers': {
        const stream = this.streams.get(frame.stream);
        if (stream && frame.type === 'synReply') stream.accepted = true;
        if (frame.fin) stream?.receive(null);
        return this.flush();
      }
      case 'rstStream': {
        const stream = this.streams.get(frame.stream);
        if (!stream) return;
        return this.drop(
          stream,
          frame.status === resetStatus.cancel ? undefined : new Error(`the stream was reset (${frame.status})`),
        );
      }
      case 'settings':
        for (const { id, value } of frame.entries)
          if (id === initialWindowSetting) this.resizeWindows(value & largestWindow);
        return;
      case 'ping':
        // Odd numbers are the client's; an answer to our own would be even at the server.
        if ((frame.id & 1) === (this.options.role === 'client' ? 0 : 1)) this.write(frame);
        return;
      case 'goAway':
        this.leaving = true;
        this.endIfIdle();
        return;
      case 'windowUpdate':
        return this.widen(frame.stream, frame.delta);
    }
  }

  private data({ stream: id, data, fin }: Extract<Frame, { type: 'data' }>): void {
    const stream = this.streams.get(id);
    this.unread += data.length;
    if (!stream) {
      if (id > this.lastPeerId && id % 2 === this.lastPeerId % 2)
        throw new ProtocolError('data on a stream that is not open');
      // What was on its way when the stream was reset.
      this.unread -= data.length;
      return;
    }
    if (data.length > 0) stream.receive(data);
    if (fin) stream.receive(null);
    if (this.unread >= mostUnread) this.connection.pause();
  }

  private accept({ stream: id, headers, fin, unidirectional }: Extract<Frame, { type: 'synStream' }>): void {
    const theirs = this.options.role === 'server' ? 1 : 0;
    if (id % 2 !== theirs || id <= this.lastPeerId) throw new ProtocolError(`stream ${id} out of turn`);
    this.lastPeerId = id;
    const stream = new SpdyStream(id, headers, this.initialSendWindow, this);
    stream.accepted = true;
    // A reset by the peer is no news to anyone who has stopped listening.
    stream.on('error', () => {});
    const wanted = !this.leaving && this.streams.size < mostStreams && this.options.onStream;
    this.streams.set(id, stream);
    // The answer comes first: data on a stream that has none is dropped by the peer.
    if (wanted) this.write({ type: 'synReply', stream: id, headers: {}, fin: unidirectional });
    if (!wanted || wanted(stream) === false) {
      this.write({ type: 'rstStream', stream: id, status: resetStatus.refusedStream });
      this.drop(stream);
      return;
    }
    if (fin) stream.receive(null);
  }

  private resizeWindows(size: number): void {
    this.peerKeepsWindows = true;
    for (const stream of this.streams.values()) stream.sendWindow += size - this.initialSendWindow;
    this.initialSendWindow = size;
    this.flush();
  }

  private widen(id: number, delta: number): void {
    this.peerKeepsWindows = true;
    const stream = this.streams.get(id);
    if (id === 0) this.sendWindow += delta;
    else if (stream) stream.sendWindow += delta;
    if (id === 0 && this.sendWindow > largestWindow) throw new ProtocolError('a window that is too large');
    if (stream && stream.sendWindow > largestWindow) {
      this.write({ type: 'rstStream', stream: id, status: resetStatus.flowControlError });
      this.drop(stream, new Error('the peer opened its window too far'));
      return;
    }
    this.flush();
  }

  /** Sends what windows and connection take, each stream's data in its order. */
  private flush(): void {
    for (let index = 0; index < this.waiting.length && !this.full;) {
      const entry = this.waiting[index]!;
      const { stream } = entry;
      const room = this.peerKeepsWindows ? Math.min(this.sendWindow, stream.sendWindow) : Infinity;
      if (!stream.accepted) {
        index++;
        continue;
      }
      const length = Math.max(0, Math.min(entry.data.length, room, largestFrame));
      if (length === 0 && entry.data.length > 0) {
        index++;
        continue;
      }
      const data = entry.data.subarray(0, length);
      entry.data = entry.data.subarray(length);
      this.sendWindow -= length;
      stream.sendWindow -= length;
      const last = entry.data.length === 0;
      if (length > 0 || entry.fin) this.write({ type: 'data', stream: stream.id, data, fin: entry.fin && last });
      if (last) {
        this.waiting.splice(index, 1);
        entry.done();
      } else {
        // The others have their turn before the rest.
        this.waiting.splice(index, 1);
        this.waiting.push(entry);
      }
    }
  }

  private write(frame: Frame): void {
    if (this.over || !this.connection.writable) return;
    if (!this.connection.write(this.encoder.encode(frame))) this.full = true;
  }

  private finish(error?: Error): void {
    if (this.over) return;
    this.over = true;
    const lost = error ?? new Error('the connection was lost');
    for (const stream of this.streams.values()) this.drop(stream, this.leaving && !error ? undefined : lost);
    this.connection.end();
    setTimeout(() => this.connection.destroy(), lingerMs).unref();
    this.emit('close', error);
  }
}
