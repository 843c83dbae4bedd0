/** What goes over a tunnel's stream; `resources/node-image/kube-tunnel` tells what each means. */
export const frameType = {
  open: 1,
  data: 2,
  end: 3,
  close: 4,
  window: 5,
  hello: 6,
  listen: 7,
  accept: 8,
  ping: 9,
} as const;

/** What may be on its way in one connection and direction, in bytes; kube-tunnel says the same. */
export const windowBytes = 512 * 1024;

const headerBytes = 9;

export interface Frame {
  type: number;
  id: number;
  payload: Buffer;
  /** More of the same frame comes; of data. */
  more?: boolean;
}

/** The header of a frame whose payload follows. */
export function frameHeader(type: number, id: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(id, 1);
  header.writeUInt32BE(length, 5);
  return header;
}

/** Takes bytes as they come and gives the frames that they complete; data is given in the pieces that it comes in. */
export function frameReader(): (chunk: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  /** The data frame whose payload has not all come. */
  let open: { id: number; left: number } | undefined;
  return (chunk) => {
    const frames: Frame[] = [];
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    while (rest.length > 0) {
      if (open) {
        const payload = rest.subarray(0, open.left);
        rest = rest.subarray(payload.length);
        open.left -= payload.length;
        frames.push({ type: frameType.data, id: open.id, payload, more: open.left > 0 });
        if (open.left === 0) open = undefined;
        continue;
      }
      if (rest.length < headerBytes) break;
      const [type, id, length] = [rest.readUInt8(0), rest.readUInt32BE(1), rest.readUInt32BE(5)];
      if (type === frameType.data) {
        rest = rest.subarray(headerBytes);
        if (length > 0) open = { id, left: length };
        continue;
      }
      if (rest.length < headerBytes + length) break;
      frames.push({ type, id, payload: rest.subarray(headerBytes, headerBytes + length) });
      rest = rest.subarray(headerBytes + length);
    }
    return frames;
  };
}
