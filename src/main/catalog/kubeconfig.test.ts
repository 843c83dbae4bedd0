import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveCredentials } from './credentials';
import { kubeconfigFiles, loadKubeconfig, resolveContext, type KubeconfigUser } from './kubeconfig';

const files: Record<string, string> = {
  '/a/config': `
current-context: dev
clusters: [{name: c, cluster: {server: 'https://a:1', certificate-authority: ca.crt}}]
users: [{name: u, user: {client-certificate: /abs/u.crt, exec: {command: ./plugin}}}]
contexts: [{name: dev, context: {cluster: c, user: u, namespace: shop}}, {name: half, context: {cluster: none}}]
`,
  '/b/config': `
current-context: other
clusters: [{name: c, cluster: {server: 'https://b:1'}}, {name: d, cluster: {server: 'https://d:1', insecure-skip-tls-verify: true, certificate-authority-data: AAAA}}]
contexts: [{name: other, context: {cluster: d, user: u}}]
`,
  '/broken': 'clusters: {a: b',
};
const read = async (file: string) => {
  if (file in files) return files[file]!;
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
};
const load = (...names: string[]) => loadKubeconfig(names, read);

describe('loadKubeconfig', () => {
  it('merges: the first file wins, paths count from their file', async () => {
    const config = await load('/a/config', '/b/config');
    expect(config.currentContext).toBe('dev');
    expect(config.clusters.map(({ name, file }) => [name, file])).toEqual([
      ['c', '/a/config'],
      ['d', '/b/config'],
    ]);
    expect(config.clusters[0]!.value).toEqual({ server: 'https://a:1', 'certificate-authority': '/a/ca.crt' });
    expect(config.users[0]!.value).toEqual({ 'client-certificate': '/abs/u.crt', exec: { command: '/a/plugin' } });
    expect(config.errors).toEqual([]);
  });

  it('says which file is broken or missing and keeps the others', async () => {
    const config = await load('/broken', '/none', '/b/config');
    expect(config.errors.map(({ file, missing }) => [file, missing])).toEqual([
      ['/broken', undefined],
      ['/none', true],
    ]);
    expect(config.currentContext).toBe('other');
  });

  it('finds the files kubectl finds', () => {
    expect(kubeconfigFiles({ KUBECONFIG: '/x:/y::/x' }, '/home')).toEqual(['/x', '/y']);
    expect(kubeconfigFiles({}, '/home')).toEqual(['/home/.kube/config']);
    expect(kubeconfigFiles({ KUBECONFIG: '/x' }, '/home', '/z')).toEqual(['/z']);
  });
});

describe('resolveContext', () => {
  it('puts a context together and lays overrides over it', async () => {
    const config = await load('/a/config', '/b/config');
    expect(resolveContext(config, '')).toMatchObject({
      name: 'dev',
      userName: 'u',
      namespace: 'shop',
      cluster: { server: 'https://a:1' },
    });
    const other = resolveContext(config, 'other', { userFields: { token: 't' } });
    expect(other.user.token).toBe('t');
    // Whoever trusts anything has no use for an authority.
    expect(other.cluster).toEqual({ server: 'https://d:1', 'insecure-skip-tls-verify': true });
    expect(() => resolveContext(config, 'nope')).toThrow('context was not found for specified context: nope');
    expect(() => resolveContext(config, '', { cluster: 'nope' })).toThrow('cluster "nope" does not exist');
  });
});

describe('resolveCredentials', () => {
  let directory: string;
  let plugin: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'credentials-'));
    plugin = join(directory, 'plugin');
    await writeFile(
      plugin,
      '#!/bin/sh\n[ "$FAIL" ] && { echo "log in first" >&2; exit 3; }\necho "{\\"status\\":{\\"token\\":\\"$PREFIX-$$\\",\\"expirationTimestamp\\":\\"$UNTIL\\"}}"\n',
    );
    await chmod(plugin, 0o755);
    await writeFile(join(directory, 'token'), 'from-file\n');
  });
  afterAll(() => rm(directory, { recursive: true }));
  const credentials = (user: KubeconfigUser, env: Record<string, string> = {}) =>
    resolveCredentials(
      { name: 'x', userName: 'u', cluster: { server: 'https://a:1' }, user },
      { PATH: process.env.PATH, ...env },
    );

  it('reads tokens, certificates and impersonation', async () => {
    const { token, cert, headers } = await credentials({
      tokenFile: join(directory, 'token'),
      'client-certificate-data': Buffer.from('PEM').toString('base64'),
      as: 'jane',
      'as-groups': ['devs'],
    });
    expect(await token!()).toBe('from-file');
    expect(cert?.toString()).toBe('PEM');
    expect(headers).toEqual({ 'Impersonate-User': 'jane', 'Impersonate-Group': 'devs' });
  });

  it('runs a plugin once for as long as its token lasts', async () => {
    const exec = { command: plugin, env: [{ name: 'PREFIX', value: 'p' }] };
    const lasting = await credentials({ exec }, { UNTIL: '2999-01-01T00:00:00Z' });
    const first = await lasting.token!();
    expect(first).toMatch(/^p-\d+$/);
    expect(await lasting.token!()).toBe(first);
    const short = await credentials({ exec }, { UNTIL: '2000-01-01T00:00:00Z' });
    expect(await short.token!()).not.toBe(await short.token!());
  });

  it("gives the plugin's own words when it fails, and the hint when it is not installed", async () => {
    await expect(credentials({ exec: { command: plugin } }, { FAIL: '1' })).rejects.toThrow(
      'failed with exit code 3: log in first',
    );
    await expect(credentials({ exec: { command: 'no-such-plugin', installHint: 'get it from x' } })).rejects.toThrow(
      /executable no-such-plugin not found\s+get it from x/,
    );
  });

  it('refuses what it cannot do', async () => {
    await expect(credentials({ 'auth-provider': { name: 'gcp' } })).rejects.toThrow(
      'no Auth Provider found for name "gcp"',
    );
    await expect(credentials({ as: 'jane', 'as-groups': ['a', 'b'] })).rejects.toThrow('more than one group');
  });
});
