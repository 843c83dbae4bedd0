import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createHttpsTransport } from '../client/https';
import type { KubeTransport } from '../client/transport';
import { apiError } from '../api/errors';
import { systemClock } from '../clock';
import { silentLogger } from '../log';
import { listenHttps, type HttpsListener } from './https';
import { writeKubeconfig } from './kubeconfig';
import type { NodeConnection, RunOptions, RunSession } from './node-connection';
import { loadOrCreatePki, type KeyPair, type Pki } from './pki';
import { createTestServer, deploymentBody, podBody } from './testing';

const configMaps = '/api/v1/namespaces/default/configmaps';
let directory: string;
let pki: Pki;
let listener: HttpsListener;
let api: KubeTransport;
let test: Awaited<ReturnType<typeof createTestServer>>;

const node: NodeConnection = {
  logs: async (_namespace, pod, options) => Readable.from([`log of ${pod}/${options.container}\n`]),
  run: async (_namespace, _pod, options) => fakeRun(options),
  portForward: async (_namespace, _pod, port) => {
    if (port === 81) throw new Error('connection refused');
    return echo();
  },
};

/** `cat` copies stdin, `fail` ends with 3, `never` cannot be started, `size` tells the first size it is given. */
async function fakeRun({ command = ['attached'], stdin }: RunOptions): Promise<RunSession> {
  if (command[0] === 'never')
    throw apiError(400, 'BadRequest', 'container "main" in pod "p" is waiting to start: ErrImagePull');
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const input = stdin ? new PassThrough() : null;
  let resize: RunSession['resize'] = () => {};
  let exitCode = 0;
  if (command[0] === 'cat') input!.pipe(stdout);
  else if (command[0] === 'size') resize = (columns, rows) => stdout.end(`${columns}x${rows}`);
  else {
    stdout.end(command.join(' '));
    if (command[0] === 'fail') exitCode = 3;
  }
  stderr.end(exitCode === 0 ? '' : 'it failed');
  const done = new Promise<{ exitCode: number }>((resolve) => stdout.once('end', () => resolve({ exitCode })));
  return {
    stdin: input,
    stdout,
    stderr,
    resize: (columns, rows) => resize(columns, rows),
    done,
    close: () => stdout.end(),
  };
}

const echo = () => {
  const duplex = new Duplex({
    read: () => {},
    write(chunk, _encoding, done) {
      duplex.push(Buffer.from(String(chunk).toUpperCase()));
      done();
    },
    final(done) {
      duplex.push(null);
      done();
    },
  });
  return duplex;
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-https-'));
  pki = await loadOrCreatePki(join(directory, 'pki'), { clock: systemClock });
  test = await createTestServer();
  test.nodes.register('n1', node);
  await test.send('POST', '/api/v1/namespaces/default/pods', { body: podBody('p', { nodeName: 'n1' }) });
  listener = await listenHttps({ server: test.server, pki, port: 0, log: silentLogger, gzip: 'always' });
  api = transport(pki.admin);
});

afterAll(async () => {
  api.close();
  await listener.close();
  await rm(directory, { recursive: true });
});

const transport = (client?: KeyPair) => createHttpsTransport({ server: listener.url, ca: pki.caPem, ...client });

/** A request without any of our own client's help. */
function raw(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
    const { method = 'GET', headers, body } = options;
    const outgoing = request(
      `${listener.url}${path}`,
      { ca: pki.caPem, ...pki.admin, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('requests over HTTPS', () => {
  it('answer what they answer in process', async () => {
    const created = await api.request({
      method: 'POST',
      path: configMaps,
      body: { metadata: { name: 'a' }, data: { x: 'ü' } },
    });
    expect([created.status, created.body.data]).toEqual([201, { x: 'ü' }]);
    const { body } = await api.request({ method: 'GET', path: configMaps });
    expect(body).toMatchObject({ kind: 'ConfigMapList', items: [created.body] });
    await expect(api.request({ method: 'GET', path: `${configMaps}/none` })).rejects.toMatchObject({
      code: 404,
      message: 'configmaps "none" not found',
    });
  });

  it('carry warnings, and quotes in them', async () => {
    const body = { ...deploymentBody('warned'), spec: { ...deploymentBody('warned').spec, nope: 1 } };
    const path = '/apis/apps/v1/namespaces/default/deployments';
    expect((await api.request({ method: 'POST', path, body })).warnings).toEqual(['unknown field "spec.nope"']);
    const { headers } = await raw(path, {
      method: 'POST',
      body: JSON.stringify({ ...body, metadata: { name: 'again' } }),
    });
    expect(headers.warning).toBe('299 - "unknown field \\"spec.nope\\""');
  });

  it('answer YAML, indented JSON and gzip to those who ask', async () => {
    const yaml = await raw(`${configMaps}/a`, { headers: { accept: 'application/yaml' } });
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(parse(yaml.body.toString()).data).toEqual({ x: 'ü' });
    expect((await raw(`${configMaps}/a?pretty=true`)).body.toString()).toContain('\n  "kind": "ConfigMap"');
    await test.send('POST', configMaps, { body: { metadata: { name: 'big' }, data: { x: 'x'.repeat(200_000) } } });
    const packed = await raw(configMaps, { headers: { 'accept-encoding': 'gzip' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(packed.body).toString()).items).toHaveLength(2);
  });

  it('refuse bodies beyond 3 MiB and unknown media types', async () => {
    const large = await raw(configMaps, { method: 'POST', body: Buffer.alloc(3 * 1024 * 1024 + 1, 'x') }).catch(
      (error: unknown) => error,
    );
    if (!(large instanceof Error)) expect(large).toMatchObject({ status: 413 });
    const text = await raw(configMaps, { method: 'POST', body: 'a', headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(415);
    expect((await raw(configMaps, { headers: { accept: 'image/png' } })).status).toBe(406);
    expect((await raw('/nothing')).status).toBe(404);
  });
});

describe('authentication', () => {
  it('knows certificates of its own authority only', async () => {
    const nobody = transport();
    await expect(nobody.request({ method: 'GET', path: configMaps })).rejects.toMatchObject({
      code: 401,
      reason: 'Unauthorized',
      message: 'Unauthorized',
    });
    expect((await nobody.request({ method: 'GET', path: '/version' })).body.major).toBe('1');
    expect((await nobody.request({ method: 'GET', path: '/readyz' })).body).toBe('ok');
    nobody.close();
    const foreign = await loadOrCreatePki(join(directory, 'foreign'), { clock: systemClock });
    const stranger = transport(foreign.admin);
    await expect(stranger.request({ method: 'GET', path: configMaps })).rejects.toMatchObject({ code: 401 });
    stranger.close();
  });

  it('reads user and groups from the certificate', async () => {
    const someone = transport(await pki.issueClient('jane', ['dev', 'ops']));
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { body } = await someone.request({ method: 'POST', path, body: {} });
    expect(body.status.userInfo).toMatchObject({ username: 'jane', groups: ['dev', 'ops', 'system:authenticated'] });
    someone.close();
  });

  it('tells when a server cannot be reached or trusted', async () => {
    const untrusting = createHttpsTransport({ server: listener.url, ...pki.admin });
    await expect(untrusting.request({ method: 'GET', path: '/version' })).rejects.toMatchObject({ code: 503 });
    const lost = createHttpsTransport({ server: 'https://127.0.0.1:1', timeoutMs: 1000 });
    await expect(lost.request({ method: 'GET', path: '/version' })).rejects.toMatchObject({
      code: 503,
      message: expect.stringContaining('cannot reach 127.0.0.1:1'),
    });
  });
});

describe('watches and streams over HTTPS', () => {
  it('deliver events as they happen', async () => {
    const path = '/api/v1/namespaces/kube-system/configmaps';
    const { body } = await api.request({ method: 'GET', path });
    const watch = await api.watch({ method: 'GET', path, query: { resourceVersion: body.metadata.resourceVersion } });
    const events = watch[Symbol.asyncIterator]();
    await test.send('POST', path, { body: { metadata: { name: 'w' } } });
    expect((await events.next()).value).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'w' } } });
    await test.send('DELETE', `${path}/w`);
    expect((await events.next()).value).toMatchObject({ type: 'DELETED' });
    watch.close();
    expect((await events.next()).done).toBe(true);
  });

  it('stream logs', async () => {
    const log = await api.stream({ method: 'GET', path: '/api/v1/namespaces/default/pods/p/log' });
    expect(await text(log)).toBe('log of p/main\n');
    await expect(api.stream({ method: 'GET', path: '/api/v1/namespaces/default/pods/none/log' })).rejects.toMatchObject(
      { code: 404 },
    );
  });
});

describe('exec over WebSocket', () => {
  const exec = (command: string[], more = {}) =>
    api.exec({ namespace: 'default', pod: 'p', command, stdout: true, stderr: true, ...more });

  it('carries output and exit code', async () => {
    const session = await exec(['fail', 'badly']);
    const [out, error, done] = await Promise.all([text(session.stdout!), text(session.stderr!), session.done]);
    expect([out, error, done]).toEqual(['fail badly', 'it failed', { exitCode: 3 }]);
  });

  it('carries stdin to its end', async () => {
    const session = await exec(['cat'], { stdin: true });
    const input = 'x'.repeat(300_000);
    session.stdin!.end(input);
    expect(await text(session.stdout!)).toBe(input);
    expect(await session.done).toEqual({ exitCode: 0 });
  });

  it('carries the size of the terminal', async () => {
    const session = await exec(['size'], { tty: true });
    session.resize(120, 40);
    expect(await text(session.stdout!)).toBe('120x40');
    expect(session.stderr).toBeNull();
  });

  it('attaches without a command', async () => {
    const session = await api.exec({ namespace: 'default', pod: 'p', stdout: true });
    expect(await text(session.stdout!)).toBe('attached');
  });

  it('says why nothing runs', async () => {
    const session = await exec(['never']);
    expect(await session.done).toMatchObject({ exitCode: -1, error: expect.stringContaining('ErrImagePull') });
    await expect(exec(['x'], { pod: 'none' })).rejects.toMatchObject({ code: 404, message: 'pods "none" not found' });
    const plain = await raw('/api/v1/namespaces/default/pods/p/exec?command=x&stdout=1', { method: 'POST' });
    expect([plain.status, JSON.parse(plain.body.toString()).message]).toEqual([400, 'Upgrade request required']);
  });
});

describe('port-forward over WebSocket', () => {
  it('joins a port', async () => {
    const connection = await api.portForward('default', 'p', 80);
    connection.write('hello');
    const [data] = await new Promise<[Buffer]>((resolve) =>
      connection.once('data', (chunk: Buffer) => resolve([chunk])),
    );
    expect(data.toString()).toBe('HELLO');
    connection.destroy();
  });

  it('says when the port is closed', async () => {
    const connection = await api.portForward('default', 'p', 81);
    const error = await new Promise<Error>((resolve) => connection.once('error', resolve));
    expect(error.message).toContain('connection refused');
  });
});

describe('certificates and kubeconfig', () => {
  it('are kept, with keys for their owner alone', async () => {
    const again = await loadOrCreatePki(join(directory, 'pki'), { clock: systemClock });
    expect([again.caPem, again.serving, again.admin]).toEqual([pki.caPem, pki.serving, pki.admin]);
    for (const name of ['ca', 'apiserver', 'admin']) {
      expect((await stat(join(directory, 'pki', `${name}.key`))).mode & 0o777).toBe(0o600);
    }
  });

  it('are renewed near their end, under the same authority', async () => {
    const later = { ...systemClock, now: () => Date.now() + 340 * 24 * 60 * 60 * 1000 };
    const renewed = await loadOrCreatePki(join(directory, 'pki'), { clock: later });
    expect(renewed.caPem).toBe(pki.caPem);
    expect(renewed.serving.cert).not.toBe(pki.serving.cert);
    expect(renewed.admin.cert).not.toBe(pki.admin.cert);
  });

  it('make a kubeconfig that works by itself', async () => {
    const file = join(directory, 'kubeconfig');
    await writeKubeconfig(file, { name: 'test', server: listener.url, pki });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { readFile } = await import('node:fs/promises');
    const config = parse(await readFile(file, 'utf8'));
    const data = (value: string) => Buffer.from(value, 'base64');
    const { user } = config.users[0];
    const client = createHttpsTransport({
      server: config.clusters[0].cluster.server,
      ca: data(config.clusters[0].cluster['certificate-authority-data']),
      cert: data(user['client-certificate-data']),
      key: data(user['client-key-data']),
    });
    expect((await client.request({ method: 'GET', path: configMaps })).status).toBe(200);
    client.close();
  });
});
