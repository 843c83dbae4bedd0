import { createServer } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';

/** A backend on this machine, which pods reach: it says its name, slowly if asked to, and on WebSockets what it heard. */
export async function webServer(name: string): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url !== '/slow') return void response.end(name);
    setTimeout(() => response.end(`slow ${name}`), 2500);
  });
  new WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (heard: Buffer) => socket.send(`${name} heard ${heard.toString()}`)),
  );
  return listening(server);
}

/** A backend whose answers say twice what they were asked. */
export async function grpcServer(): Promise<Server> {
  const server = createHttp2Server();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    void text(stream).then((asked) => stream.end(`${asked} ${asked}`));
  });
  return listening(server);
}

async function listening<T extends Server>(server: T): Promise<T> {
  await new Promise<void>((resolve) => void server.listen(0, '0.0.0.0', resolve));
  return server;
}

/** A gRPC call to a host on a port of this machine, by HTTP/2 over TLS, with its status from the trailers. */
export async function askGrpc(host: string, port: number): Promise<{ status: string; message: string }> {
  const session = connect(`https://127.0.0.1:${port}`, { servername: host, rejectUnauthorized: false });
  try {
    const headers = { ':method': 'POST', ':path': '/x.Echo/Say', ':authority': host };
    const call = session.request({ ...headers, 'content-type': 'application/grpc', te: 'trailers' });
    let status = '';
    call.on('trailers', (trailers) => (status = String(trailers['grpc-status'])));
    call.end('hello');
    return { message: await text(call), status };
  } finally {
    session.close();
  }
}
