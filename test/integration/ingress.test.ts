import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { Ingress, KubeList, Event, Pod } from '@shared/k8s';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { askGrpc, grpcServer, webServer } from '../support/backends';
import { containersOf, ensureBusybox } from '../support/docker';
import { runIn } from '../support/in-pods';
import { ensureNodeImage } from '../support/node-image';

/** Building the node image may take as long as Debian's mirror does. */
const imageMs = 180_000;
const patience = { timeout: 45_000, interval: 200 };

let app: RunningApp;
let api: ApiClient;
let clusterId: string;
let ports: { http: number; https: number };
const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';

async function create(path: string, body: object): Promise<void> {
  const { status, text } = await api.call('POST', path, body);
  if (status !== 201) throw new Error(text);
}

interface Reply {
  status: number;
  text: string;
  headers: IncomingMessage['headers'];
  /** The name in the server's certificate. */
  certificate?: string;
}

/** One request to this machine's ingress port, as a client that found the host name there. */
function ask(host: string, path = '/', more: RequestOptions & { tls?: boolean; body?: string } = {}): Promise<Reply> {
  const { tls, body, ...options } = more;
  const common = { host: '127.0.0.1', path, agent: false as const, ...options, headers: { host, ...options.headers } };
  return new Promise((resolve, reject) => {
    const outgoing = tls
      ? httpsRequest({ ...common, port: ports.https, servername: host, rejectUnauthorized: false })
      : httpRequest({ ...common, port: ports.http });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      const certificate = tls ? String((response.socket as TLSSocket).getPeerCertificate().subject.CN) : undefined;
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          text: text.trim(),
          headers: response.headers,
          ...(certificate ? { certificate } : {}),
        }),
      );
    });
    outgoing.end(body);
  });
}

const rule = (host: string, path: string, service: string, pathType = 'Prefix') => ({
  host,
  http: { paths: [{ path, pathType, backend: { service: { name: service, port: { number: 80 } } } }] },
});
const ingress = (name: string, rules: object[], annotations: Record<string, string> = {}, tls?: object[]) => ({
  metadata: {
    name,
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: { rules, ...(tls ? { tls } : {}) },
});

/** Pods that say which service they are of, and what they were asked. */
async function service(name: string): Promise<void> {
  const labels = { app: name };
  const answer = `mkdir -p /www/cgi-bin && printf '#!/bin/sh\\necho\\necho ${name} $PATH_INFO $HTTP_X_FORWARDED_PROTO' > /www/cgi-bin/who && chmod +x /www/cgi-bin/who && echo ${name} > /www/index.html && exec httpd -f -p 8080 -h /www`;
  await create('/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          // It serves on after the signal, which it does not hear.
          terminationGracePeriodSeconds: 4,
          containers: [{ name: 'web', image: 'busybox:1', command: ['sh', '-c', answer] }],
        },
      },
    },
  });
  await create('/api/v1/namespaces/default/services', {
    metadata: { name },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
  });
}

async function certificate(name: string, host: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-certificate-'));
  const file = (ending: string) => join(directory, ending);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file('key')];
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-out', file('crt')];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject], { stdio: 'ignore' });
  const read = async (ending: string) => (await readFile(file(ending))).toString('base64');
  const data = { 'tls.crt': await read('crt'), 'tls.key': await read('key') };
  await create('/api/v1/namespaces/default/secrets', { metadata: { name }, type: 'kubernetes.io/tls', data });
  await rm(directory, { recursive: true });
}

async function events(name: string): Promise<string[]> {
  const { body } = await api.call<KubeList<Event>>(
    'GET',
    `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=${name}`,
  );
  return body.items.map(({ reason, message }) => `${reason}: ${message}`);
}

beforeAll(async () => {
  await ensureBusybox();
  await ensureNodeImage();
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui', '--http-port', '0', '--https-port', '0'] });
  api = await apiClient(app.kubeconfig);
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
}, imageMs);

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
}, 60_000);

describe('ingresses on a real engine', () => {
  test('nothing runs before the first, which then says where it is served', async () => {
    await Promise.all([service('one'), service('two'), certificate('good', 'tls.example')]);
    const system = async () => (await api.call<KubeList<Pod>>('GET', '/api/v1/namespaces/kube-system/pods')).body.items;
    expect((await system()).filter(({ metadata }) => metadata.name.startsWith('ingress-nginx'))).toEqual([]);
    await create(
      ingresses,
      ingress('first', [rule('one.example', '/', 'one'), rule('one.example', '/two', 'two', 'Exact')]),
    );
    await expect
      .poll(async () => {
        const { status } = (await api.call<Ingress>('GET', `${ingresses}/first`)).body;
        const [entry] = status?.loadBalancer?.ingress ?? [];
        const [http, https] = (entry?.ports ?? []).map(({ port }) => port);
        if (http && https) ports = { http, https };
        return entry?.ip;
      }, patience)
      .toBe('127.0.0.1');
    await expect.poll(async () => (await ask('one.example', '/cgi-bin/who/x')).text, patience).toBe('one /x http');
    expect((await ask('one.example', '/two')).headers.server).toMatch(/nginx/);
    expect((await ask('other.example')).status).toBe(404);
  }, 120_000);

  test('TLS with the Secret of the host, a redirect to it, and rewrites with groups', async () => {
    await create(
      ingresses,
      ingress('tls', [rule('tls.example', '/', 'one'), rule('bare.example', '/', 'two')], {}, [
        { hosts: ['tls.example'], secretName: 'good' },
        { hosts: ['bare.example'], secretName: 'missing' },
      ]),
    );
    await create(
      ingresses,
      ingress('api', [rule('api.example', '/v1(/|$)(.*)', 'two', 'ImplementationSpecific')], {
        'rewrite-target': '/cgi-bin/who/$2',
        'proxy-body-size': '1k',
      }),
    );
    await expect.poll(async () => (await ask('api.example', '/v1/users')).text, patience).toBe('two /users http');
    const canary = ingress('canary', [rule('api.example', '/v1(/|$)(.*)', 'one', 'ImplementationSpecific')], {
      canary: 'true',
      'canary-by-header': 'X-New',
    });
    await create(ingresses, canary);
    const asNew = { headers: { 'x-new': 'always' } };
    await expect
      .poll(async () => (await ask('api.example', '/v1/users', asNew)).text, patience)
      .toBe('one /users http');
    expect((await ask('api.example', '/v1/users')).text).toBe('two /users http');
    expect(await ask('tls.example', '/cgi-bin/who/s', { tls: true })).toMatchObject({
      certificate: 'tls.example',
      text: 'one /s https',
    });
    const redirect = await ask('tls.example', '/a?b');
    expect([redirect.status, redirect.headers.location]).toEqual([308, `https://tls.example:${ports.https}/a?b`]);
    expect(await ask('bare.example', '/', { tls: true })).toMatchObject({
      text: 'two',
      certificate: expect.stringMatching(/Default/),
    });
    expect(await events('tls')).toContainEqual(expect.stringMatching(/^InvalidCertificate: secret "missing"/));
    const tooBig = { method: 'POST', body: 'x'.repeat(2000), headers: { 'content-length': 2000 } };
    expect((await ask('api.example', '/v1/users', tooBig)).status).toBe(413);
    expect((await ask('one.example', '/cgi-bin/who', tooBig)).status).toBe(200);
  }, 60_000);

  test('WebSockets, gRPC, sessions that stay with a pod, and answers that take their time', async () => {
    const { body: nodes } = await api.call('GET', '/api/v1/nodes');
    const host = nodes.items[0].status.addresses.find((one: { type: string }) => one.type === 'InternalIP').address;
    const backends = [await webServer('a'), await webServer('b'), await grpcServer()];
    const [a, b, grpc] = backends.map((server) => (server.address() as AddressInfo).port);
    const manual = async (name: string, at: number[]) => {
      await create('/api/v1/namespaces/default/services', { metadata: { name }, spec: { ports: [{ port: 80 }] } });
      for (const port of at) {
        const metadata = { name: `${name}-${port}`, labels: { 'kubernetes.io/service-name': name } };
        const endpoints = [{ addresses: [host], conditions: { ready: true } }];
        const slice = { metadata, addressType: 'IPv4', endpoints, ports: [{ name: '', port }] };
        await create('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice);
      }
    };
    try {
      await Promise.all([manual('live', [a!]), manual('both', [a!, b!]), manual('grpc', [grpc!])]);
      const all: [string, string, Record<string, string>][] = [
        ['live', 'live', { 'proxy-read-timeout': '30' }],
        ['hasty', 'live', { 'proxy-read-timeout': '1' }],
        ['sticky', 'both', { affinity: 'cookie', 'session-cookie-name': 'stay', 'session-cookie-max-age': '600' }],
        ['grpc', 'grpc', { 'backend-protocol': 'GRPC' }],
      ];
      for (const [name, to, annotations] of all)
        await create(ingresses, ingress(name, [rule(`${name}.example`, '/', to)], annotations));
      await expect.poll(async () => (await askGrpc('grpc.example', ports.https)).status, patience).toBe('0');
      expect(await askGrpc('grpc.example', ports.https)).toEqual({ status: '0', message: 'hello hello' });

      await expect.poll(async () => (await ask('live.example')).text, patience).toBe('a');
      const socket = new WebSocket(`ws://127.0.0.1:${ports.http}/chat`, { headers: { host: 'live.example' } });
      await once(socket, 'open');
      const slow = ask('live.example', '/slow');
      expect((await ask('hasty.example', '/slow')).status).toBe(504);
      expect((await slow).text).toBe('slow a');
      socket.send('still there?');
      expect(String((await once(socket, 'message'))[0])).toBe('a heard still there?');
      socket.close();

      const first = await ask('sticky.example');
      const [cookie] = first.headers['set-cookie']!;
      expect(cookie).toMatch(/^stay=\w+; Path=\/; Max-Age=600; HttpOnly$/);
      const again = () => ask('sticky.example', '/', { headers: { cookie: cookie!.split(';')[0] } });
      for (let turn = 0; turn < 8; turn++) {
        const { text: who, headers } = await again();
        expect([who, headers['set-cookie']]).toEqual([first.text, undefined]);
      }
      const anybody = new Set<string>();
      while (anybody.size < 2) anybody.add((await ask('sticky.example')).text);
    } finally {
      for (const server of backends) server.close();
    }
  }, 60_000);

  test('a path that nginx refuses costs its ingress alone, and others nothing while they change', async () => {
    const failures: unknown[] = [];
    let answered = 0;
    let running = true;
    const keptAlive = new Agent({ keepAlive: true });
    const [nginx] = await containersOf(clusterId, { 'gantry.dev/container-name': 'controller' });
    const loaded = () => runIn(nginx!.Id, ['readlink', '/run/ingress/current']);
    const client = async (agent: Agent | false) => {
      while (running) {
        try {
          const { status, text } = await ask('one.example', '/', { agent });
          if (status !== 200 || text !== 'one') failures.push(status);
          answered++;
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const clients = [client(false), client(false), client(keptAlive), client(keptAlive)];
    const bad = ingress('bad', [rule('bad.example', '/(', 'one', 'ImplementationSpecific')], { 'use-regex': 'true' });
    await create(ingresses, bad);
    await expect.poll(() => events('bad'), patience).toContainEqual(expect.stringMatching(/^Rejected: .*parenthes/));
    for (const host of ['r1.example', 'r2.example', 'r3.example']) {
      await create(ingresses, ingress(host, [rule(host, '/', 'two')]));
      await expect.poll(async () => (await ask(host)).text, patience).toBe('two');
    }
    const before = await loaded();
    const restartedAt = { 'kubectl.kubernetes.io/restartedAt': 'now' };
    const restart = { spec: { template: { metadata: { annotations: restartedAt } } } };
    const patch = { 'content-type': 'application/merge-patch+json' };
    await api.call('PATCH', '/apis/apps/v1/namespaces/default/deployments/one', restart, patch);
    const old = async () =>
      (
        await api.call<KubeList<Pod>>('GET', '/api/v1/namespaces/default/pods?labelSelector=app%3Done')
      ).body.items.filter(({ metadata }) => !metadata.annotations).length;
    await expect.poll(old, patience).toBe(0);
    // Other pods are no reason to load nginx anew.
    expect(await loaded()).toBe(before);
    running = false;
    await Promise.all(clients);
    keptAlive.destroy();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(10);
  }, 60_000);

  test('a Gateway is served by the same nginx', async () => {
    const group = '/apis/gateway.networking.k8s.io/v1/namespaces/default';
    await create(`${group}/gateways`, {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'gate' },
      spec: { gatewayClassName: 'gantry', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
    });
    const backendRefs = (name: string) => [{ name, port: 80 }];
    await create(`${group}/httproutes`, {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'route' },
      spec: {
        parentRefs: [{ name: 'gate' }],
        hostnames: ['gate.example'],
        rules: [
          { backendRefs: backendRefs('one') },
          { matches: [{ headers: [{ name: 'X-Env', value: 'canary' }] }], backendRefs: backendRefs('two') },
        ],
      },
    });
    await expect.poll(async () => (await ask('gate.example')).text, patience).toBe('one');
    expect((await ask('gate.example', '/', { headers: { 'x-env': 'canary' } })).text).toBe('two');
    const gateway = async () => (await api.call('GET', `${group}/gateways/gate`)).body.status;
    await expect.poll(gateway, patience).toMatchObject({
      addresses: [{ value: '127.0.0.1' }],
      conditions: [
        { type: 'Accepted', status: 'True' },
        { type: 'Programmed', status: 'True' },
      ],
      listeners: [{ attachedRoutes: 1 }],
    });
  }, 60_000);

  test('it goes on while the app is stopped', async () => {
    await app.stop();
    await sleep(500);
    expect((await ask('one.example')).text).toBe('one');
    expect((await ask('tls.example', '/', { tls: true })).certificate).toBe('tls.example');
    expect((await containersOf(clusterId)).length).toBeGreaterThan(0);
  }, 60_000);
});
