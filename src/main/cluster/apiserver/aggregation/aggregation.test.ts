import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { APIService, KubeObject } from '@shared/k8s';
import { createInProcessTransport } from '../../client/in-process';
import { systemClock } from '../../clock';
import { silentLogger } from '../../log';
import type { AccessAttributes } from '../context';
import { listenHttps, type HttpsListener } from '../https';
import { loadOrCreatePki, type Pki } from '../pki';
import { createTestServer, testUser } from '../testing';
import { mergeOpenApiV2, partOf } from './openapi-v2';
import {
  callerOf,
  discovery,
  group,
  json,
  slice,
  startExtensionServer,
  version,
  type ExtensionServer,
} from './testing';

const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const hats = `/apis/${version}/namespaces/default/hats`;
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const table = 'application/json;as=Table;g=meta.k8s.io;v=v1';

let directory: string;
let pki: Pki;
let bed: Awaited<ReturnType<typeof createTestServer>>;
let extension: ExtensionServer;
let denied: ((attributes: AccessAttributes) => boolean) | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-aggregation-'));
  pki = await loadOrCreatePki(directory, { clock: systemClock, hosts: ['hats.default.svc'] });
});
afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  denied = undefined;
  bed = await createTestServer({
    publishing: { clientCa: pki.caPem, frontProxy: () => pki.frontProxy() },
    authorize: (attributes) => ({ allowed: !denied?.(attributes) }),
    metrics: { node: () => undefined, pod: () => undefined },
  });
  extension = await startExtensionServer(pki, bed.nodes, (path, body) => bed.send('POST', path, { body }));
});
afterEach(async () => {
  bed.server.close();
  await extension.close();
});

const stored = async (name = `v1.${group}`) => (await bed.send('GET', `${apiServices}/${name}`)).body as APIService;
/** `STATUS REASON: MESSAGE` of its only condition. */
const available = async (name?: string) => {
  const conditions = (await stored(name)).status?.conditions ?? [];
  return conditions.map(({ status, reason, message }) => `${status} ${reason}: ${message}`).join();
};
const until = (name: string | undefined, state: string | RegExp) =>
  vi.waitFor(async () => expect(await available(name)).toMatch(state), { interval: 5 });
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error) => `${error.code} ${error.reason}: ${error.message}`,
  );
/** Its Service changes, so it is looked at again. */
let nudges = 0;
const nudge = () =>
  bed.send('PATCH', '/api/v1/namespaces/default/services/hats', {
    body: JSON.stringify({ metadata: { labels: { nudge: String(nudges++) } } }),
    contentType: 'application/merge-patch+json',
  });
/** Registers the server and waits until it is available. */
const register = async (spec?: object) => {
  await bed.send('POST', slices, { body: slice() });
  await bed.send('POST', apiServices, { body: extension.api(spec) });
  await until(undefined, /^True/);
};
const transport = (user = testUser) => createInProcessTransport(bed.server, user);
const rows = async () => {
  const { rows: cells } = (await bed.send('GET', apiServices, { accept: table })).body;
  return cells.map((row: any) => row.cells.slice(0, 3).join(' ')) as string[];
};

describe('an APIService', () => {
  const refused = async (change: (draft: any) => void) => {
    const draft = structuredClone(extension.api()) as any;
    change(draft);
    return failureOf(bed.send('POST', apiServices, { body: draft }));
  };

  it('is called by what it serves, and must say how important that is', async () => {
    expect(await refused((api) => (api.metadata.name = 'hats'))).toBe(
      '422 Invalid: APIService.apiregistration.k8s.io "hats" is invalid: metadata.name: Invalid value: "hats": must be `spec.version+"."+spec.group`: "v1.hats.example.com"',
    );
    expect(await refused((api) => (api.spec.groupPriorityMinimum = 0))).toContain(
      'must be positive and less than 20000',
    );
    expect(await refused((api) => (api.spec.versionPriority = 1001))).toContain('must be positive and less than 1000');
    expect(await refused((api) => (api.spec.insecureSkipTLSVerify = true))).toContain(
      'may not be true if caBundle is present',
    );
    expect(await refused((api) => delete api.spec.service)).toContain('local APIServices may not have a caBundle');
    expect(await refused((api) => (api.spec.service = { port: 70_000 }))).toMatch(
      /spec.service.namespace: Required value, spec.service.name: Required value, .*port is not valid: must be between/,
    );
    expect(
      await refused((api) =>
        Object.assign(api, { metadata: { name: 'V1.x' }, spec: { ...api.spec, version: 'V1', group: 'x' } }),
      ),
    ).toContain('spec.version: Invalid value: "V1"');
  });

  it('says in the words of Kubernetes why its server cannot be asked', async () => {
    const service = { namespace: 'default', name: 'none' };
    await bed.send('POST', apiServices, { body: extension.api({ service }) });
    await until(undefined, 'False ServiceNotFound: service/none in "default" is not present');
    const change = async (body: object) =>
      bed.send('PATCH', `${apiServices}/v1.${group}`, {
        body: JSON.stringify({ spec: { service: body } }),
        contentType: 'application/merge-patch+json',
      });
    await change({ name: 'hats', port: 444 });
    await until(undefined, 'False ServicePortError: service/hats in "default" is not listening on port 444');
    await change({ port: 443 });
    await until(undefined, 'False EndpointsNotFound: cannot find endpointslices for service/hats in "default"');
    // From here on its Service and endpoints tell of themselves.
    await bed.send('POST', slices, { body: slice(false) });
    await until(
      undefined,
      'False MissingEndpoints: endpointslices for service/hats in "default" have no addresses with port name "https"',
    );
    extension.answer = (_request, response) => json(response, {}, 503);
    await bed.send('PUT', `${slices}/hats-1`, { body: slice() });
    await until(
      undefined,
      /^False FailedDiscoveryCheck: failing or missing response from (https:\/\/10\.96\.\S+:443\/apis\/hats.example.com\/v1): bad status from \1: 503$/,
    );
    expect((await rows()).filter((row) => row.includes('hats'))).toEqual([
      'v1.hats.example.com default/hats False (FailedDiscoveryCheck)',
    ]);
    extension.answer = (_request, response) => json(response, discovery);
    await nudge();
    await until(undefined, 'True Passed: all checks passed');
    expect(await rows()).toContain('v1.hats.example.com default/hats True');
    const since = (await stored()).status!.conditions![0]!.lastTransitionTime;
    extension.refuse = new Error('connect: connection refused');
    await bed.clock.advance(30_000);
    await until(undefined, /^False FailedDiscoveryCheck: .*: Get "https:.*": connect: connection refused$/);
    expect((await stored()).status!.conditions![0]!.lastTransitionTime).not.toBe(since);
  });

  it('trusts the certificate that its bundle vouches for, and no other', async () => {
    await register();
    const other = await loadOrCreatePki(join(directory, 'other'), { clock: systemClock });
    await bed.send('PUT', `${apiServices}/v1.${group}`, {
      body: {
        ...extension.api({ caBundle: Buffer.from(other.caPem).toString('base64') }),
        metadata: (await stored()).metadata,
      },
    });
    await until(undefined, /tls: failed to verify certificate/);
    await bed.send('PUT', `${apiServices}/v1.${group}`, {
      body: {
        ...extension.api({ caBundle: undefined, insecureSkipTLSVerify: true }),
        metadata: (await stored()).metadata,
      },
    });
    await until(undefined, /^True/);
  });

  it('takes its API along when it goes', async () => {
    await register();
    await bed.send('GET', '/apis');
    await bed.send('DELETE', `${apiServices}/v1.${group}`);
    expect(await failureOf(bed.send('GET', hats))).toBe(
      '404 NotFound: the server could not find the requested resource',
    );
    expect(JSON.stringify((await bed.send('GET', '/apis')).body)).not.toContain(group);
  });
});

describe('a request to another server', () => {
  it('comes with the name of who asks, vouched for by the certificate of the API server', async () => {
    await register();
    const seen: IncomingMessage[] = [];
    const callers: (string | undefined)[] = [];
    extension.answer = (incoming, response) => {
      seen.push(incoming);
      callers.push(callerOf(incoming));
      json(response, { kind: 'HatList', items: [] });
    };
    const user = {
      name: 'zoë',
      groups: ['devs', 'system:authenticated'],
      uid: 'u-1',
      extra: { 'example.com/scopes': ['a', 'b'] },
    };
    await transport(user).request({ method: 'GET', path: hats, query: { labelSelector: 'a=b,c!=d' } });
    const [incoming] = seen;
    expect(callers).toEqual(['front-proxy-client']);
    const headers = incoming!.headersDistinct;
    expect(Buffer.from(headers['x-remote-user']![0]!, 'latin1').toString()).toBe('zoë');
    expect(headers['x-remote-group']).toEqual(['devs', 'system:authenticated']);
    expect(headers['x-remote-uid']).toEqual(['u-1']);
    expect(headers['x-remote-extra-example.com%2fscopes']).toEqual(['a', 'b']);
    expect(incoming!.headers.host).toBe('hats.default.svc');
    expect(incoming!.url).toBe(`${hats}?labelSelector=a%3Db%2Cc%21%3Dd`);
  });

  it('is not made for somebody whose name could be more than a name', async () => {
    await register();
    const user = { name: 'jane\r\nX-Remote-Group: system:masters', groups: [] };
    expect(await failureOf(transport(user).request({ method: 'GET', path: hats }))).toMatch(
      /^500 InternalError: .* cannot be told to an aggregated API$/,
    );
  });

  it('needs the right to make it', async () => {
    await register();
    let asked = 0;
    extension.answer = (_request, response) => (asked++, json(response, discovery));
    denied = ({ verb, group: of, resource, subresource, namespace, name }) =>
      `${verb} ${of} ${resource}/${subresource} ${namespace}/${name}` === `get ${group} pods/hits default/*`;
    expect(
      await failureOf(transport().request({ method: 'GET', path: `/apis/${version}/namespaces/default/pods/*/hits` })),
    ).toBe(
      `403 Forbidden: pods.${group} "*" is forbidden: User "tester" cannot get resource "pods/hits" in API group "${group}" in the namespace "default"`,
    );
    denied = ({ path }) => path === `/apis/${version}`;
    expect(await failureOf(transport().request({ method: 'GET', path: `/apis/${version}` }))).toMatch(/^403 Forbidden/);
    expect(asked).toBe(0);
  });

  it('asks for what was authorized: no path means something else to the server', async () => {
    await register();
    for (const path of [
      `/apis/${version}/namespaces/default/../kube-system/hats`,
      `/apis/${version}/namespaces/default/%2e%2e/hats`,
      `/apis/${version}/namespaces/a%2fb/hats`,
      `/apis/${version}/namespaces/a%5cb/hats`,
      `/apis/${version}/namespaces/a/hats/%zz`,
    ]) {
      expect(await failureOf(bed.send('GET', path))).toMatch(/^400 BadRequest: invalid path segment/);
    }
  });

  it('is refused while the server is not available', async () => {
    await bed.send('POST', apiServices, { body: extension.api() });
    await until(undefined, /^False/);
    expect(await failureOf(bed.send('GET', hats))).toBe(
      '503 ServiceUnavailable: the server is currently unable to handle the request',
    );
  });

  it('ends when the server hangs, breaks off, redirects or cannot be reached', async () => {
    await register();
    const get = () => failureOf(transport().request({ method: 'GET', path: hats }));
    extension.answer = (incoming) => incoming.socket.destroy();
    expect(await get()).toMatch(/^503 ServiceUnavailable: error trying to reach service: /);
    extension.answer = (incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"kind":');
      setImmediate(() => incoming.socket.destroy());
    };
    expect(await get()).toMatch(/^503 ServiceUnavailable: the connection broke: /);
    extension.answer = (_request, response) =>
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{no');
    expect(await get()).toBe('502 InternalError: the server answered with JSON that cannot be read');
    extension.answer = (_request, response) => response.writeHead(302, { Location: 'https://elsewhere/' }).end();
    expect(await get()).toBe(
      '502 InternalError: the backend attempted to redirect this request, which is not permitted',
    );
    extension.answer = (_request, response) =>
      json(response, { kind: 'Status', message: 'no hats today', reason: 'Sorry', code: 418 }, 418);
    expect(await get()).toBe('418 Sorry: no hats today');
    extension.refuse = new Error('nobody there');
    expect(await get()).toBe('503 ServiceUnavailable: error trying to reach service: nobody there');
    extension.refuse = undefined;
    let arrived!: () => void;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    extension.answer = () => arrived();
    const hanging = get();
    await arrival;
    await bed.clock.advance(60_000);
    expect(await hanging).toBe('504 Timeout: Timeout: request did not complete within the allotted timeout');
  });

  it('ends with the API server', async () => {
    await register();
    const ends: Promise<string>[] = [];
    await new Promise<void>((resolve) => {
      extension.answer = () => resolve();
      ends.push(failureOf(transport().request({ method: 'GET', path: hats })));
    });
    bed.server.context.aggregation!.close();
    ends.push(failureOf(transport().watch({ method: 'GET', path: hats })));
    expect(await Promise.all(ends)).toEqual([
      '503 ServiceUnavailable: error trying to reach service: the server is shutting down',
      '503 ServiceUnavailable: error trying to reach service: the server is shutting down',
    ]);
  });

  it('watches as long as it likes', async () => {
    await register();
    let write!: (line: string) => void;
    let over!: Promise<void>;
    extension.answer = (incoming, response) => {
      expect(incoming.url).toBe(`${hats}?watch=true`);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      write = (line) => response.write(line);
      over = new Promise((resolve) => response.once('close', () => resolve()));
      write('{"type":"ADDED","object":{"metadata":{"name":"bowler"}}}\n');
    };
    const watch = await transport().watch<KubeObject>({ method: 'GET', path: hats });
    const events = watch[Symbol.asyncIterator]();
    expect((await events.next()).value.object.metadata.name).toBe('bowler');
    await bed.clock.advance(120_000);
    write('{"type":"DELETED","object":{"metadata":{"name":"bowler"}}}\n');
    expect((await events.next()).value.type).toBe('DELETED');
    watch.close();
    await over;
  });
});

describe('over HTTPS', () => {
  let listener: HttpsListener;
  beforeEach(async () => {
    listener = await listenHttps({ server: bed.server, pki, port: 0, log: silentLogger });
  });
  afterEach(() => listener.close());

  const open = (path: string, { method = 'GET', headers = {}, body = '' } = {}) => {
    const { port } = listener;
    const options = { port, host: '127.0.0.1', path, method, headers, ca: pki.caPem, ...pki.admin };
    const outgoing = request(options);
    outgoing.end(body);
    return outgoing;
  };
  const ask = (path: string, options?: Parameters<typeof open>[1]) =>
    new Promise<{ answer: IncomingMessage; body: string }>((resolve, reject) => {
      open(path, options)
        .on('error', reject)
        .on('response', (answer) => text(answer).then((body) => resolve({ answer, body }), reject));
    });

  it('passes bodies through, and no name that a client claims', async () => {
    await register();
    const seen: IncomingMessage[] = [];
    const callers: (string | undefined)[] = [];
    extension.answer = (incoming, response) => {
      seen.push(incoming);
      callers.push(callerOf(incoming));
      void text(incoming).then((body) => response.writeHead(201, { 'X-Own': 'yes' }).end(`got ${body}`));
    };
    const { answer, body } = await ask(hats, {
      method: 'POST',
      headers: {
        'X-Remote-User': 'root',
        'X-Remote-Group': 'system:masters',
        'X-Remote-Extra-Scopes': 'all',
        X_Remote_User: 'root',
        'Content-Type': 'application/hat',
        Connection: 'X-Remote-User, close',
      },
      body: 'a hat',
    });
    expect([answer.statusCode, answer.headers['x-own'], body]).toEqual([201, 'yes', 'got a hat']);
    const { headers } = seen[0]!;
    expect(Object.entries(headers).filter(([name]) => /remote/.test(name))).toEqual([
      ['x-remote-user', 'kubernetes-admin'],
      ['x-remote-group', 'system:masters, system:authenticated'],
    ]);
    expect(headers['content-type']).toBe('application/hat');
    expect(callers).toEqual(['front-proxy-client']);
  });

  it('upgrades connections, as the user who asks', async () => {
    await register();
    extension.upgrade = (incoming, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hat\r\n\r\n');
      socket.write(`${incoming.headers['x-remote-user']}:`);
      socket.pipe(socket);
    };
    const headers = { Connection: 'Upgrade', Upgrade: 'hat', 'X-Remote-User': 'root' };
    const said = await new Promise<string>((resolve, reject) => {
      open(`${hats}/bowler/brim`, { headers })
        .on('error', reject)
        .on('upgrade', (_answer, socket, head: Buffer) => {
          let heard = head.toString();
          socket.on('data', (chunk: Buffer) => {
            heard += chunk.toString();
            if (heard.endsWith('hello')) {
              socket.destroy();
              resolve(heard);
            }
          });
          socket.write('hello');
        });
    });
    expect(said).toBe('kubernetes-admin:hello');
  });

  it('lets the server go when the client is gone', async () => {
    await register();
    let left!: () => void;
    const gone = new Promise<void>((resolve) => (left = resolve));
    extension.answer = (incoming, response) => {
      response.once('close', left);
      incoming.socket.unref();
      outgoing.destroy();
    };
    const outgoing = open(hats);
    outgoing.on('error', () => {});
    await gone;
  });

  it('answers with a Status what is not passed on', async () => {
    await bed.send('POST', apiServices, { body: extension.api() });
    await until(undefined, /^False/);
    const { answer, body } = await ask(hats, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(answer.statusCode).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable' });
  });
});

describe('discovery', () => {
  const entry = async () =>
    (await bed.send('GET', '/apis', { accept: aggregated })).body.items.find(
      ({ metadata }: any) => metadata.name === group,
    );

  it('tells of other servers what they told, after what is more important', async () => {
    await register();
    const groups = (await bed.send('GET', '/apis')).body.groups as { name: string }[];
    expect(groups.at(-1)!.name).toBe(group);
    expect((await bed.send('GET', `/apis/${group}`)).body).toMatchObject({
      kind: 'APIGroup',
      preferredVersion: { groupVersion: version },
    });
    expect(await entry()).toMatchObject({
      versions: [
        {
          version: 'v1',
          freshness: 'Current',
          resources: [
            {
              resource: 'hats',
              responseKind: { group, version: 'v1', kind: 'Hat' },
              scope: 'Namespaced',
              singularResource: 'hat',
              shortNames: ['ht'],
              subresources: [{ subresource: 'brim', responseKind: { kind: 'Brim' }, verbs: ['get'] }],
            },
            { resource: 'pods', scope: 'Namespaced', verbs: [], subresources: [{ subresource: 'hits' }] },
          ],
        },
      ],
    });
    expect((await entry()).versions[0].resources[1]).not.toHaveProperty('responseKind');
    const { body } = await transport().request({ method: 'GET', path: `/apis/${version}` });
    expect(body).toEqual(discovery);
  });

  it('calls it stale when the server is gone, and new when it says something else', async () => {
    await register();
    extension.refuse = new Error('gone');
    await bed.clock.advance(30_000);
    await until(undefined, /^False/);
    expect((await entry()).versions[0]).toMatchObject({ freshness: 'Stale', resources: [{ resource: 'hats' }, {}] });
    extension.refuse = undefined;
    extension.answer = (_request, response) => json(response, { ...discovery, resources: [] });
    await nudge();
    await until(undefined, /^True/);
    expect((await entry()).versions[0]).toMatchObject({ freshness: 'Current', resources: [] });
  });

  it('survives what is no discovery document', async () => {
    await bed.send('POST', slices, { body: slice() });
    extension.answer = (_request, response) => response.end('<html>');
    await bed.send('POST', apiServices, { body: extension.api() });
    await until(undefined, /^True/);
    expect((await entry()).versions[0]).toEqual({ version: 'v1', resources: [], freshness: 'Stale' });
    const bad = [null, 3, {}, { kind: 'APIResourceList', resources: 'hats' }];
    let served: unknown;
    let asked = 0;
    extension.answer = (_request, response) => (asked++, json(response, served));
    for (served of bad) {
      const before = asked;
      await nudge();
      await vi.waitFor(() => expect(asked).toBeGreaterThan(before));
    }
    expect((await entry()).versions[0].freshness).toBe('Stale');
    served = {
      kind: 'APIResourceList',
      resources: [
        null,
        'x',
        { name: 5 },
        { name: '/x', kind: 'X' },
        { name: 'hats', kind: 'Hat', verbs: 'all', shortNames: [1, 'h'] },
      ],
    };
    await nudge();
    await vi.waitFor(async () => expect((await entry()).versions[0].freshness).toBe('Current'));
    expect((await entry()).versions[0].resources.at(-1)).toMatchObject({
      resource: 'hats',
      verbs: [],
      shortNames: ['h'],
    });
  });

  it('reads no more of a document than a server could mean', async () => {
    await bed.send('POST', slices, { body: slice() });
    let sent = 0;
    extension.answer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && sent < 64 * 2 ** 20 && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    };
    await bed.send('POST', apiServices, { body: extension.api() });
    await until(undefined, /^True Passed/);
    expect(sent).toBeLessThan(32 * 2 ** 20);
    expect((await entry()).versions[0].freshness).toBe('Stale');
  });

  it('gives up on a server that hangs', async () => {
    await bed.send('POST', slices, { body: slice() });
    let asked = 0;
    extension.answer = () => void asked++;
    await bed.send('POST', apiServices, { body: extension.api() });
    await vi.waitFor(() => expect(asked).toBe(1));
    await bed.clock.advance(5000);
    await until(undefined, /^False FailedDiscoveryCheck: .*: Get ".*": context deadline exceeded$/);
  });
});

describe('OpenAPI', () => {
  const definition = {
    type: 'object',
    properties: { size: { $ref: '#/definitions/Size' }, self: { $ref: '#/definitions/Hat' } },
  };
  const documents: Record<string, unknown> = {
    '/openapi/v3': { paths: { [`apis/${version}`]: { serverRelativeURL: `/openapi/v3/apis/${version}?hash=1` } } },
    [`/openapi/v3/apis/${version}`]: { openapi: '3.0.0', info: { title: 'hats' } },
    '/openapi/v2': {
      swagger: '2.0',
      paths: {
        [`/apis/${version}/hats`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/Hat' } } } } },
        '/apis/apps/v1/deployments': { get: {} },
      },
      definitions: { Hat: definition, Size: { type: 'string' }, Unused: {}, 'io.k8s.api.core.v1.Pod': {} },
    },
  };
  const get = async (path: string) => (await transport().request({ method: 'GET', path })).body;
  let asked: string[] = [];
  const serve = (said: Record<string, unknown>) => {
    asked = [];
    extension.describe = (incoming, response) => {
      asked.push(incoming.url!);
      const document = said[incoming.url!];
      json(response, document ?? {}, document === undefined ? 404 : 200);
    };
  };

  it('tells of the kinds of other servers what they tell', async () => {
    serve(documents);
    await register();
    const index = await vi.waitFor(async () => {
      const { paths } = await get('/openapi/v3');
      expect(paths).toHaveProperty([`apis/${version}`]);
      return paths;
    });
    expect(await get(index[`apis/${version}`].serverRelativeURL)).toEqual(documents[`/openapi/v3/apis/${version}`]);
    const { paths, definitions } = await get('/openapi/v2');
    expect(paths[`/apis/${version}/hats`]).toBeDefined();
    expect(paths['/apis/apps/v1/namespaces/{namespace}/deployments'].get.operationId).toBeDefined();
    expect(definitions).toMatchObject({ Hat: definition, Size: { type: 'string' } });
    expect(definitions).not.toHaveProperty('Unused');
    expect(definitions['io.k8s.api.core.v1.Pod'].properties).toBeDefined();
  });

  it('is not spoiled by a server that has none, or a broken one', async () => {
    serve({
      ...documents,
      '/openapi/v3': { paths: 5 },
      '/openapi/v2': { paths: { [`/apis/${version}/x`]: { get: { responses: 7, parameters: 3 } } } },
    });
    await register();
    await vi.waitFor(() => expect(asked).toEqual(['/openapi/v3', '/openapi/v2']));
    await nudge();
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(2));
    const paths = (await get('/openapi/v3')).paths;
    expect(paths).toHaveProperty(['apis/apps/v1']);
    expect(paths).not.toHaveProperty([`apis/${version}`]);
    expect(await failureOf(get(`/openapi/v3/apis/${version}`))).toMatch(/^404/);
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    expect((await bed.send('GET', '/openapi/v2', { accept })).status).toBe(200);
  });

  it('renames definitions of other servers that are called like one of ours', () => {
    const ours = { swagger: '2.0', paths: {}, definitions: { Size: { type: 'integer' }, Same: { type: 'string' } } };
    const part = partOf(
      {
        paths: { '/apis/x/hats': { get: { a: [{ $ref: '#/definitions/Hat' }] } } },
        definitions: {
          Hat: {
            p: { $ref: '#/definitions/Size' },
            q: { $ref: '#/definitions/Same' },
            r: { $ref: '#/definitions/none' },
          },
          Size: { type: 'string', of: { $ref: '#/definitions/Hat' } },
          Same: { type: 'string' },
        },
      },
      '/apis/x/',
    );
    expect(mergeOpenApiV2(ours, [part!])).toEqual({
      swagger: '2.0',
      paths: { '/apis/x/hats': { get: { a: [{ $ref: '#/definitions/Hat' }] } } },
      definitions: {
        Size: { type: 'integer' },
        Same: { type: 'string' },
        Size_v2: { type: 'string', of: { $ref: '#/definitions/Hat' } },
        Hat: {
          p: { $ref: '#/definitions/Size_v2' },
          q: { $ref: '#/definitions/Same' },
          r: { $ref: '#/definitions/none' },
        },
      },
    });
    const nothing = { paths: {}, definitions: {} };
    expect(mergeOpenApiV2(nothing, [part!, part!])).toEqual(part);
    expect(partOf('nonsense', '/')).toBeUndefined();
  });
});

describe('what the API server serves itself', () => {
  const published = async (name: string) => vi.waitFor(() => stored(name), { interval: 5 });

  it('has an APIService for every version, available at once', async () => {
    await published('v1.apps');
    await vi.waitFor(async () => expect((await rows()).length).toBeGreaterThan(19));
    expect(await rows()).toEqual(
      expect.arrayContaining(['v1. Local True', 'v2.autoscaling Local True', 'v1beta1.metrics.k8s.io Local True']),
    );
    expect(await rows()).not.toContain('v1.apiregistration.k8s.io Local True');
    expect(await stored('v1.apps')).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 },
    });
    expect(await available('v1.apps')).toBe('True Local: Local APIServices are always available');
  });

  it('stays with it, whoever claims it', async () => {
    await published('v1.apps');
    let asked = 0;
    extension.answer = (_request, response) => (asked++, json(response, discovery));
    await bed.send('POST', slices, { body: slice() });
    const service = { namespace: 'default', name: 'hats', port: 443 };
    // Its own is put back, and whoever changed it is told.
    const changed = await bed.send('PATCH', `${apiServices}/v1.apps`, {
      body: JSON.stringify({ spec: { service } }),
      contentType: 'application/merge-patch+json',
    });
    expect(changed.warnings).toEqual([
      'the API server keeps what is labelled kube-aggregator.kubernetes.io/automanaged: v1.apps does not stay with a service',
    ]);
    await vi.waitFor(async () => expect((await stored('v1.apps')).spec!.service).toBeUndefined());
    await bed.send('DELETE', `${apiServices}/v1.apps`);
    await published('v1.apps');
    // One that says it is somebody's stays, and changes nothing.
    await bed.send('PATCH', `${apiServices}/v1beta1.metrics.k8s.io`, {
      body: JSON.stringify({ metadata: { labels: null }, spec: { service, insecureSkipTLSVerify: true } }),
      contentType: 'application/merge-patch+json',
    });
    await until(
      'v1beta1.metrics.k8s.io',
      'True Local: metrics.k8s.io/v1beta1 is served by this API server itself: no request is passed on to service/hats in "default"',
    );
    expect((await bed.send('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).body.items).toEqual([]);
    expect(await rows()).toContain('v1beta1.metrics.k8s.io default/hats True');
    expect(asked).toBe(0);
  });

  it('comes and goes with custom kinds, unless another server has the name', async () => {
    const crd = {
      metadata: { name: `hats.${group}` },
      spec: {
        group,
        names: { plural: 'hats', kind: 'Hat' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await bed.send('POST', crds, { body: crd });
    await published(`v1.${group}`);
    expect(await stored()).toMatchObject({ spec: { groupPriorityMinimum: 1000, versionPriority: 100 } });
    await bed.send('DELETE', `${crds}/hats.${group}`);
    await vi.waitFor(async () => expect(await failureOf(stored())).toMatch(/^404/));
    await register();
    await bed.send('POST', crds, { body: crd });
    extension.answer = (_request, response) => json(response, { kind: 'HatList', items: ['theirs'] });
    expect((await transport().request({ method: 'GET', path: hats })).body.items).toEqual(['theirs']);
    await bed.send('DELETE', `${apiServices}/v1.${group}`);
    await published(`v1.${group}`);
    expect((await bed.send('GET', hats)).body.items).toEqual([]);
  });

  it('is introduced to other servers', async () => {
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    const { data } = await vi.waitFor(async () => (await bed.send('GET', path)).body, { interval: 5 });
    expect(data).toEqual({
      'client-ca-file': pki.caPem,
      'requestheader-client-ca-file': (await pki.frontProxy()).caPem,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-uid-headers': '["X-Remote-Uid"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    });
    const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles';
    await vi.waitFor(() => bed.send('GET', `${roles}/extension-apiserver-authentication-reader`), { interval: 5 });
  });
});
