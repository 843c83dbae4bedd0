import { HeaderDecoder, HeaderEncoder, type Headers } from './headers';
import { ProtocolError } from './protocol-error';

/** A frame of SPDY/3.1. Of a data frame the decoder gives what has arrived: `fin` comes with its last part. */
export type Frame =
  | { type: 'data'; stream: number; data: Buffer; fin: boolean }
  | { type: 'synStream'; stream: number; headers: Headers; fin: boolean; unidirectional: boolean }
  | { type: 'synReply' | 'headers'; stream: number; headers: Headers; fin: boolean }
  | { type: 'rstStream'; stream: number; status: number }
  | { type: 'settings'; entries: { id: number; value: number }[] }
  | { type: 'ping'; id: number }
  | { type: 'goAway'; lastStream: number; status: number }
  | { type: 'windowUpdate'; stream: number; delta: number };

export const resetStatus = { protocolError: 1, refusedStream: 3, cancel: 5, flowControlError: 7 } as const;
export const goAwayStatus = { ok: 0, protocolError: 1 } as const;
/** The setting of how much may be sent on a new stream before it is acknowledged. */
export const initialWindowSetting = 7;

const version = 3;
const kinds = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;
const finFlag = 1;
const unidirectionalFlag = 2;
const mask31 = 0x7fff_ffff;
const mostControlBytes = 64 * 1024;

/** Makes the bytes of frames. Frames with headers have to be sent in the order they were made. */
export class FrameEncoder {
  private readonly headers = new HeaderEncoder();

  encode(frame: Frame): Buffer {
    switch (frame.type) {
      case 'data': {
        const head = Buffer.alloc(8);
        head.writeUInt32BE(frame.stream & mask31);
        head.writeUInt32BE((frame.fin ? finFlag << 24 : 0) + frame.data.length, 4);
        return Buffer.concat([head, frame.data]);
      }
      case 'synStream': {
        const flags = (frame.fin ? finFlag : 0) | (frame.unidirectional ? unidirectionalFlag : 0);
        // Stream, no associated stream, priority and slot 0.
        return control(
          kinds.synStream,
          flags,
          uint32s(frame.stream, 0),
          Buffer.alloc(2),
          this.headers.encode(frame.headers),
        );
      }
      case 'synReply':
      case 'headers':
        return control(
          kinds[frame.type],
          frame.fin ? finFlag : 0,
          uint32s(frame.stream),
          this.headers.encode(frame.headers),
        );
      case 'rstStream':
        return control(kinds.rstStream, 0, uint32s(frame.stream, frame.status));
      case 'settings':
        return control(
          kinds.settings,
          0,
          uint32s(frame.entries.length, ...frame.entries.flatMap(({ id, value }) => [id & 0xff_ffff, value])),
        );
      case 'ping':
        return control(kinds.ping, 0, uint32s(frame.id));
      case 'goAway':
        return control(kinds.goAway, 0, uint32s(frame.lastStream, frame.status));
      case 'windowUpdate':
        return control(kinds.windowUpdate, 0, uint32s(frame.stream, frame.delta));
    }
  }
}

function control(kind: number, flags: number, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([uint32s(0x8000_0000 + version * 0x1_0000 + kind, flags * 0x100_0000 + length), ...parts]);
}

function uint32s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4));
  return bytes;
}

/** Reads frames from bytes, however they are cut. */
export class FrameDecoder {
  private readonly headers = new HeaderDecoder();
  private rest: Buffer = Buffer.alloc(0);
  private open?: { stream: number; left: number; fin: boolean };

  /** The frames that are complete with these bytes, in order. @throws ProtocolError */
  *decode(bytes: Buffer): Generator<Frame> {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    for (;;) {
      if (this.open) {
        const part = this.take(Math.min(this.open.left, this.rest.length));
        this.open.left -= part.length;
        const { stream, left, fin } = this.open;
        if (left === 0) this.open = undefined;
        else if (part.length === 0) return;
        yield { type: 'data', stream, data: part, fin: fin && left === 0 };
        continue;
      }
      if (this.rest.length < 8) return;
      const first = this.rest.readUInt32BE(0);
      const flags = this.rest[4]!;
      const length = this.rest.readUIntBE(5, 3);
      if (first < 0x8000_0000) {
        if (first === 0) throw new ProtocolError('data without a stream');
        this.take(8);
        this.open = { stream: first, left: length, fin: (flags & finFlag) !== 0 };
        continue;
      }
      const theirs = (first >>> 16) & 0x7fff;
      if (theirs !== version) throw new ProtocolError(`version ${theirs} of SPDY`);
      if (length > mostControlBytes) throw new ProtocolError('a control frame that is too large');
      if (this.rest.length < 8 + length) return;
      this.take(8);
      const frame = this.control(first & 0xffff, flags, this.take(length));
      if (frame) yield frame;
    }
  }

  private take(length: number): Buffer {
    const taken = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return taken;
  }

  /** A control frame; undefined for a kind that is to be ignored. */
  private control(kind: number, flags: number, body: Buffer): Frame | undefined {
    const fin = (flags & finFlag) !== 0;
    const number = (at: number) => {
      if (body.length < at + 4) throw new ProtocolError('a control frame that is too short');
      return body.readUInt32BE(at);
    };
    const stream = () => {
      const id = number(0) & mask31;
      if (id === 0) throw new ProtocolError('a frame without a stream');
      return id;
    };
    switch (kind) {
      case kinds.synStream:
        number(6);
        return {
          type: 'synStream',
          stream: stream(),
          headers: this.headers.decode(body.subarray(10)),
          fin,
          unidirectional: (flags & unidirectionalFlag) !== 0,
        };
      case kinds.synReply:
      case kinds.headers: {
        const type = kind === kinds.headers ? 'headers' : 'synReply';
        return { type, stream: stream(), headers: this.headers.decode(body.subarray(4)), fin };
      }
      case kinds.rstStream:
        return { type: 'rstStream', stream: stream(), status: number(4) };
      case kinds.settings: {
        const count = number(0);
        if (body.length !== 4 + count * 8) throw new ProtocolError('settings of another length than they say');
        const entries = Array.from({ length: count }, (_, index) => ({
          id: number(4 + index * 8) & 0xff_ffff,
          value: number(8 + index * 8),
        }));
        return { type: 'settings', entries };
      }
      case kinds.ping:
        return { type: 'ping', id: number(0) };
      case kinds.goAway:
        return { type: 'goAway', lastStream: number(0) & mask31, status: number(4) };
      case kinds.windowUpdate:
        return { type: 'windowUpdate', stream: number(0) & mask31, delta: number(4) & mask31 };
      default:
        return undefined;
    }
  }
}
