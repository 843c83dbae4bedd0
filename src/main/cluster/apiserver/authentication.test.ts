import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { openAuditLog } from './audit';
import { createAuthentication } from './authentication';
import type { AccessAttributes } from './context';
import type { ServiceAccountTokens } from './tokens/service-account';
import { issuer } from './tokens/service-account';

const clock = new FakeClock();
const robot = { name: 'system:serviceaccount:default:robot', groups: ['system:serviceaccounts'] };
const verified: Record<string, string[]> = { good: [issuer], foreign: ['vault'] };
const tokens: Pick<ServiceAccountTokens, 'verify'> = {
  verify: (token) => (verified[token] ? { user: robot, audiences: verified[token] } : undefined),
};

interface Given {
  url?: string;
  certificate?: { subject: object; valid_to: string };
  headers?: Record<string, string | string[]>;
}

/** A request as Node gives it, as far as authentication looks. */
function given({ url = '/api/v1/pods', certificate, headers = {} }: Given): IncomingMessage {
  const socket = {
    authorized: certificate !== undefined,
    getPeerCertificate: () => certificate,
    remoteAddress: '127.0.0.1',
  };
  const distinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()]));
  const joined = Object.fromEntries(Object.entries(distinct).map(([name, values]) => [name, values.join(', ')]));
  return { url, method: 'GET', socket, headers: joined, headersDistinct: distinct } as unknown as IncomingMessage;
}

const jane = { subject: { CN: 'jane', O: 'dev' }, valid_to: 'Jan  1 00:00:00 2027 GMT' };

function identify(what: Given, allow: (asked: AccessAttributes) => boolean = () => true) {
  const asked: string[] = [];
  const authorize = (attributes: AccessAttributes) => {
    const { user, verb, resource, subresource, namespace, name } = attributes;
    asked.push(
      [user.name, verb, [resource, subresource].filter(Boolean).join('/'), namespace, name].filter(Boolean).join(' '),
    );
    return { allowed: allow(attributes) };
  };
  const authenticate = createAuthentication({ authorize, tokens: tokens as ServiceAccountTokens, clock });
  return { ...authenticate(given(what)), asked };
}

describe('who it is', () => {
  test('a certificate names its user until it ends', () => {
    expect(identify({ certificate: jane }).user).toEqual({ name: 'jane', groups: ['dev', 'system:authenticated'] });
    const over = { ...jane, valid_to: 'Dec 31 23:59:59 2025 GMT' };
    expect(() => identify({ certificate: over })).toThrow('Unauthorized');
    expect(() => identify({ certificate: { ...jane, subject: { O: 'dev' } } })).toThrow('Unauthorized');
  });

  test.each([
    ['Bearer good', true],
    ['bearer  good', true],
    ['Bearer bad', false],
    ['Bearer foreign', false],
    ['Basic good', false],
    ['good', false],
  ])('the header %j: %s', (authorization, known) => {
    if (known) expect(identify({ headers: { authorization } }).user).toEqual(robot);
    else expect(() => identify({ headers: { authorization } })).toThrow('Unauthorized');
  });

  test.each([
    ['/version', true],
    ['/livez/ping', true],
    ['/readyz?verbose', true],
    ['/', false],
    ['/versions', false],
    ['/api', false],
  ])('without either %s is open: %s', (url, open) => {
    if (open) expect(identify({ url }).user.name).toBe('system:anonymous');
    else expect(() => identify({ url })).toThrow('Unauthorized');
  });

  test('pages send the token among the protocols of a WebSocket', () => {
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('good').toString('base64url')}`;
    expect(identify({ headers: { 'sec-websocket-protocol': ['v5.channel.k8s.io', token] } }).user).toEqual(robot);
  });

  test('a bad token is not anonymous', () => {
    expect(() => identify({ url: '/version', headers: { authorization: 'Bearer bad' } })).toThrow('Unauthorized');
  });
});

describe('acting as another', () => {
  const as = (headers: Record<string, string | string[]>) => identify({ certificate: jane, headers });

  test('is asked for everything that is claimed', () => {
    const { user, actor, asked } = as({
      'impersonate-user': 'joe',
      'impersonate-group': ['ops', 'a,b'],
      'impersonate-uid': '7',
      'impersonate-extra-scopes%2fx': 'all',
    });
    expect(actor!.name).toBe('jane');
    expect(user).toEqual({
      name: 'joe',
      groups: ['ops', 'a,b', 'system:authenticated'],
      uid: '7',
      extra: { 'scopes/x': ['all'] },
    });
    expect(asked).toEqual([
      'jane impersonate users joe',
      'jane impersonate groups ops',
      'jane impersonate groups a,b',
      'jane impersonate uids 7',
      'jane impersonate userextras/scopes/x all',
    ]);
  });

  test('a service account has its groups', () => {
    const { user, asked } = as({ 'impersonate-user': 'system:serviceaccount:default:robot' });
    expect(user.groups).toEqual(['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']);
    expect(asked).toEqual(['jane impersonate serviceaccounts default robot']);
  });

  test('anonymous is not authenticated', () => {
    expect(as({ 'impersonate-user': 'system:anonymous' }).user.groups).toEqual(['system:unauthenticated']);
  });

  test('is refused to who may not, and without a user', () => {
    const headers = { 'impersonate-user': 'joe', 'impersonate-group': 'system:masters' };
    expect(() => identify({ certificate: jane, headers }, ({ resource }) => resource === 'users')).toThrow(
      'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
    expect(() => as({ 'impersonate-group': 'ops' })).toThrow('requested impersonation without impersonating a user');
  });
});

test('the audit log has a line for each request, for its owner alone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-audit-'));
  try {
    const file = join(directory, 'deep', 'audit.log');
    const audit = await openAuditLog(file, { clock, log: silentLogger });
    const joe = { name: 'joe', groups: [] };
    const entry = audit.begin(given({ url: '/apis/apps/v1/namespaces/default/deployments/web/scale?x=y' }));
    entry.annotate('policy/why', 'first');
    entry.annotate('policy/why', 'second');
    entry.end(200, { user: joe, actor: { name: 'jane', groups: ['dev'] } });
    audit.begin(given({ url: '/healthz' })).end(401);
    await audit.close();
    const [first, second] = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({
      verb: 'get',
      user: { username: 'jane', groups: ['dev'] },
      impersonatedUser: { username: 'joe' },
      objectRef: {
        resource: 'deployments',
        namespace: 'default',
        name: 'web',
        apiGroup: 'apps',
        apiVersion: 'v1',
        subresource: 'scale',
      },
      responseStatus: { code: 200 },
      annotations: { 'authorization.k8s.io/decision': 'allow', 'policy/why': 'first' },
    });
    expect(second).toMatchObject({ verb: 'get', user: {}, requestURI: '/healthz', responseStatus: { code: 401 } });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
