import { constants, deflateRawSync, deflateSync, inflateRawSync } from 'node:zlib';
import { headerDictionary } from './dictionary';
import { ProtocolError } from './protocol-error';

/** Header names are lower case; a name that occurs more than once has its values joined with NUL. */
export type Headers = Record<string, string>;

const windowBytes = 32 * 1024;
const mostBytes = 256 * 1024;
/** The two bytes of a zlib stream with a preset dictionary, and the checksum of that dictionary. */
const streamHeader = deflateSync(Buffer.alloc(0), { dictionary: headerDictionary }).subarray(0, 6);
const dictionaryFlag = 0x20;

/**
 * All header blocks of one direction are one zlib stream, flushed to a byte boundary after each block. A block can
 * therefore be (de)compressed by itself, with what went before it as the dictionary: no state in native code to end.
 */
class Window {
  private past = headerDictionary;
  fresh = true;

  get dictionary(): Buffer {
    return this.past;
  }

  add(text: Buffer): void {
    this.fresh = false;
    const all = Buffer.concat([this.past, text]);
    this.past = all.length > windowBytes ? all.subarray(all.length - windowBytes) : all;
  }
}

export class HeaderEncoder {
  private readonly window = new Window();

  encode(headers: Headers): Buffer {
    const text = toText(headers);
    const packed = deflateRawSync(text, {
      dictionary: this.window.dictionary,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    const block = this.window.fresh ? Buffer.concat([streamHeader, packed]) : packed;
    this.window.add(text);
    return block;
  }
}

export class HeaderDecoder {
  private readonly window = new Window();

  /** @throws ProtocolError when the block is none, or larger than anyone needs */
  decode(block: Buffer): Headers {
    let packed = block;
    if (this.window.fresh) {
      if (block.length < 6 || !(block[1]! & dictionaryFlag) || !block.subarray(2, 6).equals(streamHeader.subarray(2)))
        throw new ProtocolError('a header block without the dictionary of SPDY/3');
      packed = block.subarray(6);
    }
    let text: Buffer;
    try {
      text = inflateRawSync(packed, {
        dictionary: this.window.dictionary,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: mostBytes,
      });
    } catch (error) {
      throw new ProtocolError(`a header block that cannot be read: ${(error as Error).message}`);
    }
    this.window.add(text);
    return fromText(text);
  }
}

function toText(headers: Headers): Buffer {
  const entries = Object.entries(headers);
  const parts = [uint32(entries.length)];
  for (const word of entries.flat()) {
    const bytes = Buffer.from(word);
    parts.push(uint32(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

function fromText(text: Buffer): Headers {
  let at = 0;
  const number = () => {
    if (at + 4 > text.length) throw new ProtocolError('a header block that ends too early');
    at += 4;
    return text.readUInt32BE(at - 4);
  };
  const word = () => {
    const length = number();
    if (at + length > text.length) throw new ProtocolError('a header block that ends too early');
    at += length;
    return text.toString('utf8', at - length, at);
  };
  const headers: Headers = Object.create(null) as Headers;
  for (let left = number(); left > 0; left--) {
    const name = word().toLowerCase();
    headers[name] = word();
  }
  return headers;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
