import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { kinds } from '../../api';
import { loadSchema } from '../../api/schema';
import { FakeClock } from '../../clock';
import { silentLogger } from '../../log';
import { openMemoryStore, type Store } from '../../store';
import { createNodeConnections } from '../nodes';
import { createApiServer, type ApiServer } from '../server';
import { podBody, sendTo } from '../testing';
import { verifyJwt } from './jwt';
import { loadOrCreateTokenKey, newTokenKey } from './keys';
import { createServiceAccountTokens, issuer, type ServiceAccountTokens } from './service-account';

const key = newTokenKey();
const inDefault = '/api/v1/namespaces/default';
let clock: FakeClock;
let store: Store;
let tokens: ServiceAccountTokens;
let server: ApiServer;
const send = (method: string, path: string, body?: unknown) => sendTo(server, method, path, { body });

beforeEach(async () => {
  clock = new FakeClock();
  store = openMemoryStore({ clock });
  tokens = createServiceAccountTokens({ store, key, clock });
  const nodes = createNodeConnections();
  server = createApiServer({ store, kinds, schema: loadSchema(), clock, log: silentLogger, nodes, tokens });
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  await send('POST', `${inDefault}/serviceaccounts`, { metadata: { name: 'default' } });
  await send('POST', `${inDefault}/serviceaccounts`, { metadata: { name: 'robot' } });
});

const request = async (spec: object = {}, account = 'robot') =>
  (await send('POST', `${inDefault}/serviceaccounts/${account}/token`, { spec })).body;
const review = async (spec: object) =>
  (await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec })).body.status;
const segment = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token request', () => {
  test('is subject to policies', async () => {
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['serviceaccounts/token'] };
    const validations = [{ expression: 'object.spec.expirationSeconds <= 3600' }];
    await send('POST', policies, {
      metadata: { name: 'short' },
      spec: { matchConstraints: { resourceRules: [rule] }, validations },
    });
    await send('POST', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', {
      metadata: { name: 'short' },
      spec: { policyName: 'short', validationActions: ['Deny'] },
    });
    await expect(request({ expirationSeconds: 7200 })).rejects.toMatchObject({ code: 422 });
    expect((await request({ expirationSeconds: 3600 })).status.token).not.toBe('');
  });

  test('gives a token of the account for the server, for an hour', async () => {
    const { status, spec } = await request();
    expect(spec).toMatchObject({ audiences: [issuer], expirationSeconds: 3600 });
    expect(status.expirationTimestamp).toBe('2026-01-01T01:00:00Z');
    expect(verifyJwt(status.token, key)).toMatchObject({
      iss: issuer,
      sub: 'system:serviceaccount:default:robot',
      aud: [issuer],
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot' } },
    });
    expect(tokens.verify(status.token)?.user).toMatchObject({
      name: 'system:serviceaccount:default:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
    await clock.advance(3_600_000);
    expect(tokens.verify(status.token)).toBeUndefined();
  });

  test.each([
    [{ expirationSeconds: 599 }, 'may not specify a duration less than 10 minutes'],
    [{ expirationSeconds: 2 ** 32 + 1 }, 'may not specify a duration larger than 2^32 seconds'],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'gone' } }, 'pods "gone" not found'],
    [{ boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } }, 'to object of type /v1, Kind=ConfigMap'],
    [
      { boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 's', uid: 'other' } },
      'does not match the UID in record',
    ],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } }, 'different serviceaccount name'],
  ])('%j is refused: %s', async (spec, message) => {
    await send('POST', `${inDefault}/secrets`, { metadata: { name: 's' } });
    await send('POST', `${inDefault}/pods`, podBody('p'));
    await expect(request(spec)).rejects.toThrow(message);
  });

  test('for an account that is not there is refused', async () => {
    await expect(request({}, 'nobody')).rejects.toThrow('serviceaccounts "nobody" not found');
  });
});

describe('a token ends', () => {
  test('with the pod it is bound to, which it names', async () => {
    const pod = (await send('POST', `${inDefault}/pods`, podBody('p', { serviceAccountName: 'robot' }))).body;
    const ref = { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: pod.metadata.uid };
    const { token } = (await request({ boundObjectRef: ref })).status;
    expect(tokens.verify(token)!.user.extra).toMatchObject({ 'authentication.kubernetes.io/pod-name': ['p'] });
    await store.delete('/registry/core/pods/default/p');
    expect(tokens.verify(token)).toBeUndefined();
  });

  test('with its account, also when another of that name comes', async () => {
    const { token } = (await request()).status;
    await send('DELETE', `${inDefault}/serviceaccounts/robot`);
    await send('POST', `${inDefault}/serviceaccounts`, { metadata: { name: 'robot' } });
    expect(tokens.verify(token)).toBeUndefined();
  });

  test('of a secret with the secret', async () => {
    const { uid } = (await send('GET', `${inDefault}/serviceaccounts/robot`)).body.metadata;
    const token = tokens.issueLegacy({ namespace: 'default', name: 'robot', uid }, 's');
    expect(tokens.verify(token)).toBeUndefined();
    await send('POST', `${inDefault}/secrets`, { metadata: { name: 's' } });
    expect(tokens.verify(token)!.user.name).toBe('system:serviceaccount:default:robot');
    await send('DELETE', `${inDefault}/secrets/s`);
    expect(tokens.verify(token)).toBeUndefined();
  });
});

describe('a forged token is nobody', () => {
  const other = newTokenKey();
  const claims = (uid: string) => ({
    iss: issuer,
    exp: 4_000_000_000,
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid } },
  });

  test.each([
    [
      'of another key',
      (text: string) =>
        `${text}.${sign('sha256', Buffer.from(text), { key: other.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`,
    ],
    ['without signature', (text: string) => `${text}.`],
    ['that is no token', () => 'abc'],
    ['of two parts', () => 'a.b'],
    ['of four parts', (text: string) => `${text}.a.b`],
    ['endless', (text: string) => `${text}.${'a'.repeat(20_000)}`],
  ])('%s', async (_what, forge) => {
    const { uid } = (await send('GET', `${inDefault}/serviceaccounts/robot`)).body.metadata;
    expect(tokens.verify(forge(`${segment({ alg: 'ES256' })}.${segment(claims(uid))}`))).toBeUndefined();
  });

  test.each([['none'], ['HS256'], ['RS256']])('with the algorithm %s', async (alg) => {
    const { uid } = (await send('GET', `${inDefault}/serviceaccounts/robot`)).body.metadata;
    const text = `${segment({ alg })}.${segment(claims(uid))}`;
    // Even a signature that is right does not help: the header is not the sender's to choose.
    const signature = sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    expect(tokens.verify(`${text}.${signature.toString('base64url')}`)).toBeUndefined();
  });

  test('that was changed', async () => {
    const [header, payload, signature] = (await request()).status.token.split('.');
    const changed = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), exp: 4_000_000_000 };
    expect(tokens.verify(`${header}.${segment(changed)}.${signature}`)).toBeUndefined();
  });
});

test('a review tells whose token it is, for whom', async () => {
  const { token } = (await request({ audiences: ['vault'] })).status;
  expect(await review({ token })).toMatchObject({ user: {}, error: expect.stringContaining('audiences') });
  expect(await review({ token, audiences: ['vault', 'other'] })).toMatchObject({
    authenticated: true,
    audiences: ['vault'],
    user: { username: 'system:serviceaccount:default:robot' },
  });
  expect(await review({ token: 'x' })).toEqual({ user: {}, error: 'invalid bearer token' });
});

test('others can check the tokens', async () => {
  const { jwks_uri } = (await send('GET', '/.well-known/openid-configuration')).body;
  const { keys } = (await send('GET', new URL(jwks_uri).pathname)).body;
  const { token } = (await request()).status;
  const [header] = token.split('.');
  expect(JSON.parse(Buffer.from(header, 'base64url').toString()).kid).toBe(keys[0].kid);
  const publicKey = createPublicKey({ key: keys[0], format: 'jwk' });
  expect(verifyJwt(token, { ...key, publicKey })).toBeDefined();
  expect(JSON.stringify(keys)).not.toContain('"d"');
});

describe('admission of pods', () => {
  const create = async (pod: object) => (await send('POST', `${inDefault}/pods`, pod)).body.spec;

  test('mounts the token in every container that does not mount something else there', async () => {
    const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
    const own = { name: 'own', image: 'x', volumeMounts: [{ name: 'v', mountPath }] };
    const spec = await create(
      podBody('p', {
        initContainers: [{ name: 'first', image: 'x' }],
        containers: [{ name: 'main', image: 'x' }, own],
        volumes: [{ name: 'v', emptyDir: {} }],
      }),
    );
    const { name } = spec.volumes[1];
    const mount = { name, readOnly: true, mountPath };
    expect(spec.initContainers[0].volumeMounts).toEqual([mount]);
    expect(spec.containers[0].volumeMounts).toEqual([mount]);
    expect(spec.containers[1].volumeMounts).toEqual(own.volumeMounts);
  });

  test('does not where the pod or its account declines; the pod has the last word', async () => {
    const account = {
      metadata: { name: 'quiet' },
      automountServiceAccountToken: false,
      imagePullSecrets: [{ name: 'r' }],
    };
    await send('POST', `${inDefault}/serviceaccounts`, account);
    const quiet = { serviceAccountName: 'quiet' };
    const spec = await create(podBody('a', quiet));
    expect(spec.volumes).toBeUndefined();
    expect(spec.imagePullSecrets).toEqual([{ name: 'r' }]);
    expect((await create(podBody('b', { ...quiet, automountServiceAccountToken: true }))).volumes).toHaveLength(1);
    expect((await create(podBody('c', { automountServiceAccountToken: false }))).volumes).toBeUndefined();
  });

  test('waits a second for the default account', async () => {
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'new' } });
    const pods = '/api/v1/namespaces/new/pods';
    const late = send('POST', pods, podBody('p'));
    const refused = expect(send('POST', pods, podBody('q', { serviceAccountName: 'x' }))).rejects;
    await refused.toThrow(
      'pods "q" is forbidden: error looking up service account new/x: serviceaccount "x" not found',
    );
    await send('POST', '/api/v1/namespaces/new/serviceaccounts', { metadata: { name: 'default' } });
    expect((await late).body.spec.serviceAccountName).toBe('default');
    await send('DELETE', '/api/v1/namespaces/new/serviceaccounts/default');
    const never = expect(send('POST', pods, podBody('r'))).rejects.toThrow('serviceaccount "default" not found');
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
    await never;
  });
});

test('the key is kept for its owner alone, and made anew when it is broken', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-key-'));
  try {
    const first = await loadOrCreateTokenKey(directory);
    expect((await loadOrCreateTokenKey(directory)).id).toBe(first.id);
    const file = join(directory, 'sa.key');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    await writeFile(file, rsa.export({ type: 'pkcs8', format: 'pem' }));
    expect((await loadOrCreateTokenKey(directory)).id).not.toBe(first.id);
    expect(await readFile(file, 'utf8')).toContain('BEGIN PRIVATE KEY');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
