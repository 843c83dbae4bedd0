import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { silentLogger } from '../cluster/log';
import type { Services } from '../services/types';
import { serveUi, type UiServer } from './index';

let directory: string;
let ui: UiServer;
let port: number;
const token = 'a-token-of-the-test';
const services = {
  methods: { 'clusters.list': async () => [{ id: 'gantry' }] },
  streams: {
    async *engine() {
      yield { reachable: true };
    },
  },
  close: async () => {},
} as unknown as Services;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gantry-serve-'));
  const renderer = join(directory, 'renderer');
  mkdirSync(join(renderer, 'assets'), { recursive: true });
  writeFileSync(join(directory, 'secret.json'), '{}');
  writeFileSync(join(renderer, 'index.html'), '<!doctype html><title>Gantry</title>');
  writeFileSync(join(renderer, 'assets', 'index-BxT3kQ9z.js'), 'export {}');
  writeFileSync(join(renderer, 'assets', 'plain.js'), 'export {}');
  ui = await serveUi({ services, rendererDirectory: renderer, port: 0, token, log: silentLogger });
  port = Number(new URL(ui.url).port);
});
afterAll(async () => {
  await ui.close();
  rmSync(directory, { recursive: true });
});

/** A request as written, without a client that tidies paths or the Host header. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    request.on('error', reject);
    request.end();
  });
}
const signedIn = () => ({ cookie: `other=1; gantry-${port}=${token}` });

it('lives through an address that is none, whoever sends it', async () => {
  expect((await get('//')).status).toBe(400);
  for (const origin of ['https://evil.example', `http://127.0.0.1:${port}`]) {
    const refused = await new Promise<number>((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'websocket', origin };
      httpRequest({ host: '127.0.0.1', port, path: '//', headers }, ({ statusCode }) => resolve(statusCode!))
        .on('error', reject)
        .end();
    });
    expect(refused).toBe(origin.includes('evil') ? 403 : 400);
  }
  expect((await get('/', signedIn())).status).toBe(200);
});

describe('the page', () => {
  it('is at the printed address, which signs the browser in', async () => {
    expect(ui.url).toBe(`http://127.0.0.1:${port}/?token=${token}`);
    const first = await get(`/?token=${token}`);
    expect(first.status).toBe(200);
    const set = first.headers['set-cookie']![0]!;
    expect(set).toMatch(/HttpOnly/);
    expect(set).toMatch(/SameSite=Strict/);
    const page = await get('/', { cookie: set.split(';')[0]! });
    expect(page.status).toBe(200);
    expect(page.body).toContain('Gantry');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['cache-control']).toBe('no-cache');
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    expect(page.headers['content-security-policy']).not.toContain('unsafe-eval');
    expect(page.headers['x-content-type-options']).toBe('nosniff');
  });

  it('is refused without the token, with a wrong one, and to other methods', async () => {
    expect((await get('/')).status).toBe(401);
    expect((await get('/?token=wrong')).status).toBe(401);
    expect((await get('/assets/plain.js')).status).toBe(401);
    expect((await get('/', { cookie: `gantry-${port}=wrong` })).status).toBe(401);
    expect((await get('/', signedIn(), 'POST')).status).toBe(405);
  });

  it('is refused under a foreign name, even with the token', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost@evil.example',
      '0.0.0.0',
    ]) {
      expect((await get('/', { ...signedIn(), host })).status, host).toBeGreaterThanOrEqual(400);
    }
    for (const host of [`localhost:${port}`, '127.0.0.1', `[::1]:${port}`, 'LOCALHOST:9000']) {
      expect((await get('/', { ...signedIn(), host })).status, host).toBe(200);
    }
  });

  it('caches for ever what has a hash in its name', async () => {
    const asset = await get('/assets/index-BxT3kQ9z.js', signedIn());
    expect(asset.headers['cache-control']).toContain('immutable');
    expect(asset.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect((await get('/assets/plain.js', signedIn())).headers['cache-control']).toBe('no-cache');
  });

  it('serves the page for its routes and nothing beyond its directory', async () => {
    expect((await get('/clusters/gantry/pods', signedIn())).body).toContain('Gantry');
    for (const path of [
      '/../secret.json',
      '/assets/../../secret.json',
      '/%2e%2e/secret.json',
      '/..%2fsecret.json',
      '/..%5csecret.json',
      '/a%00.js',
      '/%zz.js',
      '/nothing.js',
      '/assets.js/x.js',
    ]) {
      expect((await get(path, signedIn())).status, path).toBe(404);
    }
  });
});

describe('the bridge', () => {
  const connect = (headers: Record<string, string>, path = '/bridge') =>
    new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
      socket.on('open', () => resolve(socket));
      socket.on('unexpected-response', (_, response) => reject(new Error(String(response.statusCode))));
      socket.on('error', reject);
    });
  const origin = () => `http://127.0.0.1:${port}`;

  it('carries calls and streams of our own page', async () => {
    const socket = await connect({ ...signedIn(), origin: origin() });
    const messages: unknown[] = [];
    const got = (count: number) =>
      new Promise<void>((resolve) => {
        socket.on('message', (data) => {
          messages.push(JSON.parse(String(data)));
          if (messages.length === count) resolve();
        });
      });
    const three = got(3);
    socket.send(JSON.stringify({ type: 'call', id: 1, method: 'clusters.list', params: {} }));
    socket.send(JSON.stringify({ type: 'open', id: 2, stream: 'engine', params: {} }));
    await three;
    expect(messages).toContainEqual({ type: 'result', id: 1, value: [{ id: 'gantry' }] });
    expect(messages).toContainEqual({ type: 'data', id: 2, data: { reachable: true } });
    expect(messages).toContainEqual({ type: 'end', id: 2 });
    socket.close();
  });

  it('accepts the token in the address as well', async () => {
    (await connect({ origin: origin() }, `/bridge?token=${token}`)).close();
  });

  it('is closed to other origins, to those without a token and to other paths', async () => {
    await expect(connect({ origin: origin() })).rejects.toThrow('401');
    await expect(connect({ ...signedIn(), origin: 'https://evil.example' })).rejects.toThrow('403');
    await expect(connect({ ...signedIn(), origin: 'null' })).rejects.toThrow('403');
    await expect(connect(signedIn())).rejects.toThrow('403');
    await expect(connect({ ...signedIn(), origin: 'http://evil.example', host: 'evil.example' })).rejects.toThrow(
      '403',
    );
    await expect(connect({ ...signedIn(), origin: `http://127.0.0.1:${port + 1}` })).rejects.toThrow('403');
    await expect(connect({ ...signedIn(), origin: origin() }, '/other')).rejects.toThrow('404');
  });

  it('drops a page that sends what is not JSON', async () => {
    const socket = await connect({ ...signedIn(), origin: origin() });
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.send('{');
    expect(await closed).toBe(1007);
  });
});

it('says when the port is taken', async () => {
  await expect(serveUi({ services, rendererDirectory: directory, port, log: silentLogger })).rejects.toThrow(
    'EADDRINUSE',
  );
});
