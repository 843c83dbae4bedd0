import { connect } from 'node:http2';
import type { Duplex } from 'node:stream';

const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/**
 * Asks grpc.health.v1.Health/Check over a connection and answers the status it
 * gives. The one message each way is small enough to be read and written by hand:
 * a request is field 1 (the service's name), a response field 1 (the status).
 * @throws Error with the gRPC status when the call fails
 */
export async function grpcHealth(
  socket: Duplex,
  authority: string,
  service: string,
  signal: AbortSignal,
): Promise<string> {
  const session = connect(`http://${authority}`, { createConnection: () => socket });
  try {
    return await new Promise<string>((resolve, reject) => {
      session.once('error', reject);
      const call = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': 'kube-probe/1.36',
      });
      signal.addEventListener('abort', () => call.close(), { once: true });
      const chunks: Buffer[] = [];
      let code: string | undefined;
      let message = '';
      const note = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] === undefined) return;
        code = String(headers['grpc-status']);
        message = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      };
      call.on('response', note).on('trailers', note).once('error', reject);
      call.on('data', (chunk: Buffer) => void chunks.push(chunk));
      call.once('close', () => {
        if (code !== '0')
          return reject(
            new Error(
              code === undefined
                ? 'the call ended without a gRPC status'
                : `rpc error: code = ${code} desc = ${message}`,
            ),
          );
        resolve(statuses[statusIn(Buffer.concat(chunks))] ?? 'UNKNOWN');
      });
      call.end(request(service));
    });
  } finally {
    session.destroy();
    socket.destroy();
  }
}

/** Not compressed, its length, then the message. */
function request(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length > 127) throw new Error('the service name of a gRPC probe is longer than 127 bytes');
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Zero, the default, is not sent. */
const statusIn = (frame: Buffer): number => (frame.length >= 7 && frame[5] === 0x08 ? frame[6]! : 0);
