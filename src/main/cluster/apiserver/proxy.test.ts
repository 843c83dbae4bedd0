import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInProcessTransport } from '../client/in-process';
import { systemClock } from '../clock';
import { silentLogger } from '../log';
import { listenHttps, type HttpsListener } from './https';
import { loadOrCreatePki, type Pki } from './pki';
import { createTestServer, podBody } from './testing';

const inDefault = '/api/v1/namespaces/default';
let directory: string;
let pki: Pki;
let listener: HttpsListener;
let web: Server;
let test: Awaited<ReturnType<typeof createTestServer>>;
const dialled: [string, number][] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-proxy-'));
  pki = await loadOrCreatePki(directory, { clock: systemClock });
  // Says what it heard.
  web = createServer((incoming, response) => {
    if (incoming.url === '/moved') return void response.writeHead(302, { Location: '/there?x=1' }).end();
    void buffer(incoming).then((body) => {
      const { authorization, 'x-own': own, host } = incoming.headers;
      response.writeHead(incoming.url === '/teapot' ? 418 : 200, {
        'Content-Type': 'application/json',
        'X-Answer': 'yes',
      });
      response.end(
        JSON.stringify({ method: incoming.method, url: incoming.url, authorization, own, host, bytes: body.length }),
      );
    });
  });
  web.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n');
    socket.pipe(socket);
  });
  await new Promise<void>((done) => web.listen(0, '127.0.0.1', done));
  const { port } = web.address() as AddressInfo;
  test = await createTestServer();
  test.nodes.register('n1', {
    logs: async () => Promise.reject(new Error('no logs')),
    run: async () => Promise.reject(new Error('nothing runs')),
    async portForward(_namespace, pod, asked) {
      dialled.push([pod, asked]);
      if (asked === 81) throw new Error('connection refused');
      return connect(port, '127.0.0.1');
    },
  });
  const containers = [{ name: 'main', image: 'busybox', ports: [{ name: 'http', containerPort: 8080 }] }];
  await test.send('POST', '/api/v1/nodes', { body: { metadata: { name: 'n1' } } });
  await test.send('POST', `${inDefault}/pods`, { body: podBody('p', { nodeName: 'n1', containers }) });
  const service = (name: string) => ({
    metadata: { name },
    spec: { selector: { app: 'p' }, ports: [{ name: 'web', port: 80, targetPort: 'http' }] },
  });
  for (const name of ['s', 'empty']) await test.send('POST', `${inDefault}/services`, { body: service(name) });
  await test.send('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    body: {
      metadata: { name: 's-1', labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ name: 'web', port: 8080 }],
      endpoints: [
        {
          addresses: ['10.0.0.2'],
          conditions: { ready: false },
          targetRef: { kind: 'Pod', name: 'gone', namespace: 'default' },
        },
        {
          addresses: ['10.0.0.1'],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', name: 'p', namespace: 'default' },
        },
      ],
    },
  });
  listener = await listenHttps({ server: test.server, pki, port: 0, log: silentLogger });
});
afterAll(async () => {
  await listener.close();
  web.closeAllConnections();
  await new Promise((done) => web.close(done));
  await rm(directory, { recursive: true });
});

const send = (path: string, options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {}) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: any }>((resolve, reject) => {
    const { body, ...rest } = options;
    const outgoing = request(
      `${listener.url}${path}`,
      { ca: pki.caPem, ...pki.admin, agent: false, ...rest },
      (response) => {
        text(response).then((answer) => {
          const json = response.headers['content-type']?.includes('json');
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body: json ? JSON.parse(answer) : answer,
          });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

describe('the proxies of pods and services', () => {
  it('pass on method, path, query and headers, but not who asks', async () => {
    const answer = await send(`${inDefault}/pods/p/proxy/a%20b//c/?x=1&y=%2F`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer secret', 'x-own': 'mine', accept: 'image/png' },
    });
    expect(answer).toMatchObject({ status: 200, headers: { 'x-answer': 'yes' } });
    expect(answer.body).toEqual({
      method: 'DELETE',
      url: '/a%20b//c/?x=1&y=%2F',
      own: 'mine',
      host: 'p:8080',
      bytes: 0,
    });
    expect(dialled.at(-1)).toEqual(['p', 8080]);
  });

  it('pass on bodies larger than objects may be, and answers that are no success', async () => {
    const large = await send(`${inDefault}/pods/p:8080/proxy/upload`, {
      method: 'POST',
      body: Buffer.alloc(5_000_000),
    });
    expect(large.body).toMatchObject({ method: 'POST', bytes: 5_000_000 });
    expect((await send(`${inDefault}/pods/p:http/proxy/teapot`)).status).toBe(418);
  });

  it('answer redirects with the way from outside', async () => {
    expect((await send(`${inDefault}/pods/p/proxy/moved`)).headers.location).toBe(
      `${inDefault}/pods/p/proxy/there?x=1`,
    );
    expect(await send(`${inDefault}/services/s/proxy?x=1`)).toMatchObject({
      status: 301,
      headers: { location: `${inDefault}/services/s/proxy/?x=1` },
    });
  });

  it.each(['s', 's:web', 's:80', 'http:s:web'])('reach a ready endpoint of service %s', async (name) => {
    expect((await send(`${inDefault}/services/${name}/proxy/`)).body).toMatchObject({ url: '/' });
    expect(dialled.at(-1)).toEqual(['p', 8080]);
  });

  it('say what cannot be reached', async () => {
    const failed = async (path: string) => {
      const { status, body } = await send(`${inDefault}/${path}`);
      return [status, body.message];
    };
    expect(await failed('services/empty/proxy/')).toEqual([503, 'no endpoints available for service "empty"']);
    expect(await failed('services/s:99/proxy/')).toEqual([503, 'no service port "99" found for service "s"']);
    expect(await failed('pods/p:81/proxy/')).toEqual([503, 'error trying to reach service: connection refused']);
    expect(await failed('pods/none/proxy/')).toEqual([404, 'pods "none" not found']);
    expect(await failed('pods/ftp:p:1/proxy/')).toEqual([400, 'invalid proxy request "ftp:p:1"']);
    expect((await send('/apis/apps/v1/namespaces/default/deployments/x/proxy/')).status).toBe(404);
  });

  it('pass on upgrades', async () => {
    const echoed = await new Promise<string>((resolve, reject) => {
      const outgoing = request(`${listener.url}${inDefault}/services/s/proxy/socket`, {
        ca: pki.caPem,
        ...pki.admin,
        agent: false,
        headers: { Connection: 'Upgrade', Upgrade: 'own' },
      });
      outgoing.on('upgrade', (_response, socket) => {
        socket.write('hello');
        socket.once('data', (data: Buffer) => {
          resolve(data.toString());
          socket.destroy();
        });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
    expect(echoed).toBe('hello');
  });

  it('are there in process as well', async () => {
    const transport = createInProcessTransport(test.server);
    const path = `${inDefault}/services/s/proxy/in`;
    expect((await transport.request({ method: 'POST', path, body: { a: 1 } })).body).toMatchObject({
      url: '/in',
      bytes: 7,
    });
    expect(await text(await transport.stream({ method: 'GET', path }))).toContain('"GET"');
    await expect(transport.request({ method: 'GET', path: `${inDefault}/pods/p/proxy/teapot` })).rejects.toMatchObject({
      code: 418,
    });
    transport.close();
  });
});

describe('the proxy of a node', () => {
  it('answers health and its pods', async () => {
    expect((await send('/api/v1/nodes/n1/proxy/healthz')).body).toBe('ok');
    const { body } = await send('/api/v1/nodes/n1:10250/proxy/pods');
    expect(body.items.map((pod: any) => pod.metadata.name)).toEqual(['p']);
    expect((await send('/api/v1/nodes/n1/proxy/nothing')).status).toBe(404);
    expect((await send('/api/v1/nodes/none/proxy/healthz')).status).toBe(404);
  });
});
