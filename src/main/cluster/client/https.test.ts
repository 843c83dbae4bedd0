import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { listenHttps, loadOrCreatePki } from '../apiserver';
import { createTestServer } from '../apiserver/testing';
import { systemClock } from '../clock';
import { silentLogger } from '../log';
import { createHttpsTransport } from './https';

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** A plain server with answers of our choosing. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  const url = await listening(server);
  return { server, url };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a transport over HTTP', () => {
  it('sends tokens, headers, the path prefix and the query', async () => {
    const seen: IncomingMessage[] = [];
    const { url } = await serve((request, response) => {
      seen.push(request);
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
    let calls = 0;
    const api = createHttpsTransport({
      server: `${url}/k8s/clusters/c1/`,
      token: async () => `t${++calls}`,
      headers: { 'Impersonate-User': 'jane' },
    });
    const query = { labelSelector: 'a in (b,c)', limit: 5, continue: undefined };
    await api.request({ method: 'GET', path: '/api/v1/pods', query });
    await api.request({ method: 'GET', path: '/api' });
    api.close();
    expect(seen[0]!.url).toBe('/k8s/clusters/c1/api/v1/pods?labelSelector=a+in+%28b%2Cc%29&limit=5');
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2']);
    expect(seen[0]!.headers['impersonate-user']).toBe('jane');
  });

  it.each([
    [502, '<html>bad gateway</html>', 'text/html', '<html>bad gateway</html>'],
    [401, '', 'text/plain', 'the server answered 401 without saying why'],
    [404, '{"kind":"Status","code":404,"reason":"NotFound","message":"gone"}', 'application/json', 'gone'],
  ])('turns %s into an ApiError', async (code, body, type, message) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(code, { 'Content-Type': type }).end(body);
    });
    const api = createHttpsTransport({ server: url });
    await expect(api.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({ code, message });
    api.close();
  });

  it('gives up on a server that does not answer, and when it is told to', async () => {
    const { url } = await serve(() => {});
    const api = createHttpsTransport({ server: url, timeoutMs: 50 });
    await expect(api.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 503,
      message: expect.stringContaining('no answer'),
    });
    const abort = new AbortController();
    const pending = api.request({ method: 'GET', path: '/x', signal: abort.signal });
    abort.abort(new Error('never mind'));
    await expect(pending).rejects.toThrow('never mind');
    api.close();
  });

  it('puts events together that come in pieces, and ends when the connection breaks', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      const text = Buffer.from('{"type":"ADDED","object":{"x":"ü"}}\n{"type":"DELETED","object":{}}\n{"type":"ADD');
      response.write(text.subarray(0, 31));
      setImmediate(() => {
        response.write(text.subarray(31));
        setImmediate(() => response.destroy());
      });
    });
    const api = createHttpsTransport({ server: url });
    const types: string[] = [];
    for await (const event of await api.watch({ method: 'GET', path: '/x' })) types.push(event.type);
    api.close();
    expect(types).toEqual(['ADDED', 'DELETED']);
  });
});

it('a transport goes through an HTTP proxy', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-proxy-'));
  cleanUp.push(() => rm(directory, { recursive: true }));
  const pki = await loadOrCreatePki(directory, { clock: systemClock });
  const { server } = await createTestServer();
  const listener = await listenHttps({ server, pki, port: 0, log: silentLogger });
  cleanUp.push(() => listener.close());
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
    const [host, port] = request.url!.split(':');
    const target = connect(Number(port), host!, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const end of [target, socket]) end.on('error', () => {});
  });
  const proxyUrl = (await listening(proxy)).replace('http://', 'http://me:secret@');
  const api = createHttpsTransport({ server: listener.url, ca: pki.caPem, ...pki.admin, proxyUrl });
  cleanUp.push(() => api.close());
  const { body } = await api.request({ method: 'GET', path: '/api/v1/namespaces/default' });
  expect(body.metadata.name).toBe('default');
  expect(asked).toEqual([`127.0.0.1:${listener.port} Basic ${Buffer.from('me:secret').toString('base64')}`]);
});
