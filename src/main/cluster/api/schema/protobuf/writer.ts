/** How a value stands on the wire. */
const varintWire = 0;
const fixed64Wire = 1;
const lengthWire = 2;

/**
 * Writes a protobuf message from its end to its beginning: the length of an inner message
 * stands before it and is known when it has been written. So fields are given last one first.
 */
export class BackwardWriter {
  private buffer = Buffer.allocUnsafe(2048);
  private start = this.buffer.length;

  /** What was written, as bytes of its own. */
  finish(): Buffer {
    return Buffer.from(this.buffer.subarray(this.start));
  }

  /** Bytes as they are, without a tag. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.start -= bytes.length;
    this.buffer.set(bytes, this.start);
  }

  /** A whole number; negative ones take ten bytes, as Go writes them. */
  whole(field: number, value: number): void {
    if (value >= 0) this.varint(value);
    else this.negative(value);
    this.tag(field, varintWire);
  }

  flag(field: number, value: boolean): void {
    this.varint(value ? 1 : 0);
    this.tag(field, varintWire);
  }

  double(field: number, value: number): void {
    this.reserve(8);
    this.start -= 8;
    this.buffer.writeDoubleLE(value, this.start);
    this.tag(field, fixed64Wire);
  }

  bytes(field: number, value: Uint8Array): void {
    this.raw(value);
    this.varint(value.length);
    this.tag(field, lengthWire);
  }

  /** A string, or bytes given as text in another encoding. */
  text(field: number, value: string, encoding: 'utf8' | 'base64' = 'utf8'): void {
    const length = Buffer.byteLength(value, encoding);
    this.reserve(length);
    this.start -= length;
    const written = this.buffer.write(value, this.start, length, encoding);
    // The length of base64 is a guess where the text is not quite base64.
    if (written < length) {
      this.buffer.copyWithin(this.start + length - written, this.start, this.start + written);
      this.start += length - written;
    }
    this.varint(written);
    this.tag(field, lengthWire);
  }

  /** A message; `write` writes its fields, last one first. */
  message(field: number, write: () => void): void {
    const before = this.length;
    write();
    this.varint(this.length - before);
    this.tag(field, lengthWire);
  }

  private get length(): number {
    return this.buffer.length - this.start;
  }

  private tag(field: number, wire: number): void {
    this.varint((field << 3) | wire);
  }

  private varint(value: number): void {
    this.reserve(10);
    if (value < 0x80) {
      this.buffer[--this.start] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    this.start -= size;
    let rest = value;
    for (let at = this.start; size > 1; at++, size--) {
      this.buffer[at] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
      if (size === 2) this.buffer[at + 1] = rest;
    }
  }

  private negative(value: number): void {
    this.reserve(10);
    this.start -= 10;
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
    for (let at = this.start; at < this.start + 10; at++, rest >>= 7n)
      this.buffer[at] = Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0);
  }

  private reserve(size: number): void {
    if (this.start >= size) return;
    const used = this.length;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, used + size));
    this.buffer.copy(larger, larger.length - used, this.start);
    this.start = larger.length - used;
    this.buffer = larger;
  }
}
