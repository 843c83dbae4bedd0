import { Duplex } from 'node:stream';
import type { Headers } from './headers';

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** Sends data as the windows allow; `done` once all of it is on its way. */
  send(stream: SpdyStream, data: Buffer, fin: boolean, done: () => void): void;
  /** This many bytes were read by whoever uses the stream. */
  consumed(stream: SpdyStream, bytes: number): void;
  /** The stream is over; `whole`: both sides had ended it. */
  closed(stream: SpdyStream, whole: boolean): void;
}

/** One stream of a SPDY connection. Either side ends its own half; destroying it resets it at the peer. */
export class SpdyStream extends Duplex {
  /** What may still be sent before the peer acknowledges, in bytes. */
  sendWindow: number;
  /** Whether the peer took the stream: what is sent before that would be lost. */
  accepted = false;
  /** Received and not yet read, in bytes. */
  unread = 0;
  /** Read and not yet acknowledged to the peer, in bytes. */
  unacknowledged = 0;
  private readonly arrived: (Buffer | null)[] = [];
  private hungry = false;
  private sentFin = false;
  private receivedFin = false;

  constructor(
    readonly id: number,
    readonly headers: Headers,
    sendWindow: number,
    private readonly owner: StreamOwner,
  ) {
    super({ allowHalfOpen: true });
    this.sendWindow = sendWindow;
  }

  /** Takes what the peer sent; null is its end. */
  receive(data: Buffer | null): void {
    if (this.receivedFin || this.destroyed) {
      if (data) this.owner.consumed(this, data.length);
      return;
    }
    if (data === null) this.receivedFin = true;
    else this.unread += data.length;
    this.arrived.push(data);
    if (this.hungry) this.feed();
  }

  override _read(): void {
    this.hungry = true;
    this.feed();
  }

  private feed(): void {
    while (this.hungry && this.arrived.length > 0) {
      const data = this.arrived.shift()!;
      this.hungry = this.push(data);
      if (data === null) return;
      this.unread -= data.length;
      this.owner.consumed(this, data.length);
    }
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.owner.send(this, data, false, done);
  }

  override _final(done: () => void): void {
    this.sentFin = true;
    this.owner.send(this, Buffer.alloc(0), true, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { unread } = this;
    this.unread = 0;
    this.arrived.length = 0;
    if (unread > 0) this.owner.consumed(this, unread);
    this.owner.closed(this, this.sentFin && this.receivedFin);
    done(error);
  }
}
