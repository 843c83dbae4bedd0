import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerDictionary } from './dictionary';
import { FrameDecoder, FrameEncoder, type Frame } from './frames';
import { HeaderDecoder } from './headers';
import { ProtocolError } from './protocol-error';

const stream = fc.integer({ min: 1, max: 0x7fff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint31 = fc.integer({ min: 0, max: 0x7fff_ffff });
const name = fc.stringMatching(/^[a-z][a-z-]{0,12}$/).filter((word) => word !== '__proto__');
const headers = fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 40 }), {
  maxKeys: 8,
  noNullPrototype: true,
});
const fin = fc.boolean();
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('synStream' as const), stream, headers, fin, unidirectional: fc.boolean() }),
  fc.record({ type: fc.constantFrom('synReply' as const, 'headers' as const), stream, headers, fin }),
  fc.record({ type: fc.constant('rstStream' as const), stream, status: uint32 }),
  fc.record({
    type: fc.constant('settings' as const),
    entries: fc.array(fc.record({ id: fc.integer({ min: 0, max: 0xff_ffff }), value: uint32 }), { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant('ping' as const), id: uint32 }),
  fc.record({ type: fc.constant('goAway' as const), lastStream: uint31, status: uint32 }),
  fc.record({ type: fc.constant('windowUpdate' as const), stream: uint31, delta: uint31 }),
  fc.record({
    type: fc.constant('data' as const),
    stream,
    data: fc.uint8Array({ maxLength: 300 }).map(Buffer.from),
    fin,
  }),
);

const decodeAll = (decoder: FrameDecoder, bytes: Buffer) => [...decoder.decode(bytes)].map(plain);
const plain = (one: Frame) => ('headers' in one ? { ...one, headers: { ...one.headers } } : one);

describe('frames', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
        const encoder = new FrameEncoder();
        const bytes = Buffer.concat(frames.map((one) => encoder.encode(one)));
        expect(decodeAll(new FrameDecoder(), bytes)).toEqual(frames.map(plain));
      }),
    );
  });

  it('do not depend on how the bytes were cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (frames, cuts) => {
          const encoder = new FrameEncoder();
          const bytes = Buffer.concat(frames.map((one) => encoder.encode(one)));
          const decoder = new FrameDecoder();
          const control: Frame[] = [];
          const data = new Map<number, Buffer>();
          const gather = (one: Frame) => {
            if (one.type !== 'data') control.push(plain(one));
            else data.set(one.stream, Buffer.concat([data.get(one.stream) ?? Buffer.alloc(0), one.data]));
          };
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const length = cuts[turn % cuts.length]!;
            for (const one of decoder.decode(bytes.subarray(at, at + length))) gather(one);
            at += length;
          }
          const [cutControl, cutData] = [[...control], new Map(data)];
          control.length = 0;
          data.clear();
          for (const one of frames) gather(one);
          expect(cutControl).toEqual(control);
          expect(cutData).toEqual(data);
        },
      ),
    );
  });

  it('of garbage are an error or nothing, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          decodeAll(new FrameDecoder(), Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});

describe('header blocks', () => {
  it('are compressed with the dictionary of SPDY/3', () => {
    expect(headerDictionary).toHaveLength(1423);
    expect(deflateSync('', { dictionary: headerDictionary }).subarray(2, 6).toString('hex')).toBe('e3c6a7c2');
  });

  it('of another implementation, compressed as one stream, can be read', () => {
    const text = Buffer.from('\0\0\0\x01\0\0\0\nstreamtype\0\0\0\x05error', 'latin1');
    const block = deflateSync(text, { dictionary: headerDictionary, finishFlush: 2 });
    expect({ ...new HeaderDecoder().decode(block) }).toEqual({ streamtype: 'error' });
  });

  it('that unpack to far too much are refused', () => {
    const bomb = deflateSync(Buffer.alloc(10_000_000), { dictionary: headerDictionary, finishFlush: 2 });
    expect(() => new HeaderDecoder().decode(bomb)).toThrow(ProtocolError);
    expect(() => new HeaderDecoder().decode(deflateSync('x'))).toThrow(/dictionary/);
  });
});
