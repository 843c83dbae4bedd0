import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Logger } from '../log';
import { asBuffer } from './exec-websocket';

const mostUnsentBytes = 1024 * 1024;

/**
 * Joins ports of a pod and a WebSocket: port number i has channel 2i for data and 2i+1 for errors.
 * Each channel opens with the port as two bytes, little end first.
 */
export function servePortForward(
  webSocket: WebSocket,
  ports: number[],
  connect: (port: number) => Promise<Duplex>,
  log: Logger,
): void {
  const send = (channel: number, data: Buffer) => {
    if (webSocket.readyState === webSocket.OPEN) webSocket.send(Buffer.concat([Buffer.of(channel), data]));
  };
  let left = ports.length;
  const over = () => {
    if (--left <= 0) webSocket.close(1000);
  };
  const connections = ports.map(async (port, index) => {
    const announced = Buffer.alloc(2);
    announced.writeUInt16LE(port);
    send(index * 2, announced);
    send(index * 2 + 1, announced);
    try {
      const connection = await connect(port);
      join(webSocket, connection, (data) => send(index * 2, data), over);
      return connection;
    } catch (error) {
      send(index * 2 + 1, Buffer.from(`error forwarding port ${port}: ${(error as Error).message}`));
      over();
      return undefined;
    }
  });
  webSocket.on('message', (message) => {
    const data = asBuffer(message);
    const connection = data.length > 1 && data[0]! % 2 === 0 ? connections[data[0]! / 2] : undefined;
    void connection?.then((duplex) => write(duplex, data.subarray(1), webSocket));
  });
  webSocket.once('close', () => {
    for (const connection of connections) void connection.then((duplex) => duplex?.destroy());
  });
  if (ports.length === 0) webSocket.close(1008, 'query parameter "port" is required');
  log.debug('ports are forwarded', { ports });
}

function write(connection: Duplex | undefined, data: Buffer, webSocket: WebSocket): void {
  if (connection?.writable && !connection.write(data)) webSocket.pause();
}

function join(webSocket: WebSocket, connection: Duplex, send: (data: Buffer) => void, over: () => void): void {
  // A connection that ends before it has taken everything must not hold up the others.
  for (const event of ['drain', 'close']) connection.on(event, () => webSocket.resume());
  connection.on('data', (data: Buffer) => {
    send(data);
    if (webSocket.bufferedAmount <= mostUnsentBytes) return;
    connection.pause();
    const retry = setInterval(() => {
      if (webSocket.bufferedAmount > mostUnsentBytes && webSocket.readyState === webSocket.OPEN) return;
      clearInterval(retry);
      connection.resume();
    }, 20);
  });
  connection.on('error', () => connection.destroy());
  connection.once('close', over);
  if (webSocket.readyState !== webSocket.OPEN) connection.destroy();
}
