import type { Carrier } from './connection';
import { frameType } from './frames';

/** Datagrams to and from one address. */
export interface DatagramFlow {
  /** May be lost, as datagrams are. False when the way is no more. */
  send(datagram: Buffer): boolean;
  close(): void;
}

/** The side of a tunnel where a flow's datagrams come out. */
export class TunnelFlow implements DatagramFlow {
  private parts: Buffer[] = [];
  private over = false;

  constructor(
    private readonly carrier: Carrier,
    private readonly id: number,
    private readonly taker: (datagram: Buffer) => void,
  ) {}

  /** A piece of a datagram, which is whole with the last. */
  received(piece: Buffer, more: boolean): void {
    this.parts.push(piece);
    if (more) return;
    this.taker(this.parts.length > 1 ? Buffer.concat(this.parts) : piece);
    this.parts = [];
  }

  send(datagram: Buffer): boolean {
    if (datagram.length > 0) this.carrier.send(frameType.data, this.id, datagram);
    return !this.over;
  }

  /** Its tunnel has ended. */
  lost(): void {
    this.over = true;
  }

  close(): void {
    this.carrier.send(frameType.close, this.id);
    this.carrier.forget(this.id);
  }
}
