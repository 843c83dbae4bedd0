import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../clock';
import { silentLogger } from '../log';
import { listenHttps, type HttpsListener } from './https';
import { loadOrCreatePki, type Pki } from './pki';
import { createTestServer } from './testing';

const configMaps = '/api/v1/namespaces/default/configmaps';
let directory: string;
let pki: Pki;
let listener: HttpsListener;
let test: Awaited<ReturnType<typeof createTestServer>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-hostile-'));
  pki = await loadOrCreatePki(join(directory, 'pki'), { clock: systemClock });
  test = await createTestServer();
  listener = await listenHttps({ server: test.server, pki, port: 0, log: silentLogger });
});

afterAll(async () => {
  await listener.close();
  await rm(directory, { recursive: true });
});

/** Sends bytes as they are and closes its side; gives what came back. */
async function send(bytes: string, { abort = false } = {}): Promise<string> {
  const socket = connect({ port: listener.port, host: '127.0.0.1', ca: pki.caPem, ...pki.admin });
  const answer = text(socket).catch(() => '');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(bytes, () => resolve());
  });
  if (abort) socket.destroy();
  else socket.end();
  return answer;
}

const answers = () =>
  new Promise<number>((resolve, reject) => {
    const options = { ca: pki.caPem, ...pki.admin, agent: false as const };
    request(`${listener.url}/livez`, options, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });

const head = (length: number) =>
  `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

it('is not moved by connections that break off', async () => {
  const before = test.store.revision;
  await send('', { abort: true });
  await send('GET /api/v1/po', { abort: true });
  await send(`${head(100)}{"metadata":{"name":"half"`, { abort: true });
  await send(`${head(100)}{"metadata":{"name":"half"`);
  await send(`GET ${configMaps}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n`, { abort: true });
  expect(await answers()).toBe(200);
  expect(test.store.revision).toBe(before);
});

it('answers what is no HTTP with 400, and closes', async () => {
  expect(await send('\0\x01\x02 nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await send('GET / HTTP/9.9\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await send(`${head(-5)}`)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await answers()).toBe(200);
});

it('says what is too large before it is read', async () => {
  const answer = await send(head(3 * 1024 * 1024 + 1));
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer).toContain('Request entity too large: limit is 3145728');
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code: 413, status: 'Failure' });
});

it('answers HEAD without a body', async () => {
  const answer = await send(`HEAD ${configMaps} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe('');
  expect(await send(`OPTIONS ${configMaps} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 405 /,
  );
});

it('gives OpenAPI to clients that take nothing but its own protobuf', async () => {
  const type = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
  const answer = await send(`HEAD /openapi/v2 HTTP/1.1\r\nHost: x\r\nAccept: ${type}\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toMatch(/Content-Type: application\/com\.github\.proto-openapi\.spec\.v2/i);
  const lists = `GET ${configMaps} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/com.github.proto`;
  expect(await send(`${lists}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 406 /);
  expect(await send(`${lists},application/json\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});
