import { Duplex } from 'node:stream';
import { frameType, windowBytes } from './frames';

/** So that connections take turns. */
const pieceBytes = 64 * 1024;

/** What a connection needs of its tunnel. */
export interface Carrier {
  /** False when the sender should wait for `drained`. */
  send(type: number, id: number, payload?: Buffer): boolean;
  drained(): Promise<void>;
  forget(id: number): void;
}

/** A failure as sockets word it, with `code`. */
export const socketError = (code: string, place: string): Error =>
  Object.assign(new Error(`connect ${code} ${place}`), { code });

/** A TCP connection through a tunnel. One that was opened here ends its side when the other does, as sockets do. */
export class TunnelConnection extends Duplex {
  /** What the other side still takes. */
  private credit = windowBytes;
  /** What was read here and not yet told. */
  private owed = 0;
  private flowing = true;
  private ended = { here: false, there: false };
  private proceed: (() => void) | undefined;

  constructor(
    private readonly carrier: Carrier,
    readonly id: number,
    /** Ends it; of one that was opened here. */
    signal?: AbortSignal,
  ) {
    super(signal ? { allowHalfOpen: false, signal } : { allowHalfOpen: true });
  }

  /** Bytes came. */
  received(bytes: Buffer): void {
    this.owed += bytes.length;
    this.flowing = this.push(bytes);
    this.tell();
  }

  /** Nothing more comes. */
  receivedEnd(): void {
    this.ended.there = true;
    this.push(null);
  }

  /** The other side takes more. */
  granted(bytes: number): void {
    this.credit += bytes;
    const proceed = this.proceed;
    this.proceed = undefined;
    proceed?.();
  }

  override _read(): void {
    this.flowing = true;
    this.tell();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.sendAll(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.ended.here = true;
    this.carrier.send(frameType.end, this.id);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Where both have ended the other side closes by itself, when all is written.
    if (!this.ended.here || !this.ended.there) this.carrier.send(frameType.close, this.id);
    this.carrier.forget(this.id);
    this.granted(0);
    done(error);
  }

  private sendAll(bytes: Buffer, done: () => void): void {
    let rest = bytes;
    while (rest.length > 0 && !this.destroyed) {
      const left = rest;
      if (this.credit === 0) {
        this.proceed = () => this.sendAll(left, done);
        return;
      }
      const piece = left.subarray(0, Math.min(this.credit, pieceBytes));
      rest = left.subarray(piece.length);
      this.credit -= piece.length;
      if (!this.carrier.send(frameType.data, this.id, piece)) {
        const after = rest;
        void this.carrier.drained().then(() => this.sendAll(after, done));
        return;
      }
    }
    done();
  }

  /** Lets more come, once enough was read to be worth a frame. */
  private tell(): void {
    if (!this.flowing || this.owed < windowBytes / 4 || this.destroyed) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.owed);
    this.owed = 0;
    this.carrier.send(frameType.window, this.id, payload);
  }
}
