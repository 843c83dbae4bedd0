import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runKubectl } from '..';
import { testIo } from '../testing';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubectl-config-'));
  file = join(directory, 'config');
  await writeFile(
    file,
    `# mine
apiVersion: v1
kind: Config
current-context: dev
clusters:
- {name: dev, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: AAAA}}
users:
- name: admin
  user: {token: s3cret} # keep
contexts:
- {name: dev, context: {cluster: dev, user: admin}}
- {name: prod, context: {cluster: dev, user: admin, namespace: shop}}
`,
  );
});
afterEach(() => rm(directory, { recursive: true }));

const kubectl = async (...argv: string[]) => {
  const { io, out, err } = testIo({ env: { HOME: '/nonexistent', KUBECONFIG: file }, cwd: directory });
  return { code: await runKubectl(argv, io), out: out(), err: err() };
};

describe('config', () => {
  it('lists contexts and shows no secrets', async () => {
    expect((await kubectl('config', 'get-contexts')).out).toBe(
      'CURRENT   NAME   CLUSTER   AUTHINFO   NAMESPACE\n*         dev    dev       admin      \n          prod   dev       admin      shop\n',
    );
    const { out } = await kubectl('config', 'view', '--minify');
    expect(out).toContain('certificate-authority-data: DATA+OMITTED');
    expect(out).toContain('token: REDACTED');
    expect(out).not.toContain('prod');
    expect((await kubectl('config', 'view', '--raw')).out).toContain('token: s3cret');
  });

  it('switches the context and keeps the rest of the file', async () => {
    expect((await kubectl('config', 'use-context', 'prod')).out).toBe('Switched to context "prod".\n');
    expect((await kubectl('config', 'current-context')).out).toBe('prod\n');
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^# mine\n/);
    expect(text).toContain('# keep');
  });

  it('sets a namespace, renames and deletes', async () => {
    expect((await kubectl('config', 'set-context', '--current', '--namespace', 'test')).out).toBe(
      'Context "dev" modified.\n',
    );
    expect((await kubectl('config', 'get-contexts', 'dev', '--no-headers')).out).toMatch(/ test\n$/);
    expect((await kubectl('config', 'rename-context', 'dev', 'local')).out).toBe('Context "dev" renamed to "local".\n');
    expect((await kubectl('config', 'current-context')).out).toBe('local\n');
    expect((await kubectl('config', 'delete-context', 'prod')).out).toBe(`deleted context prod from ${file}\n`);
    expect((await kubectl('config', 'get-contexts', '-o', 'name')).out).toBe('local\n');
  });

  it('starts a file that only its owner can read', async () => {
    file = join(directory, 'new', 'config');
    expect((await kubectl('config', 'set-cluster', 'c', '--server=https://x:1')).out).toBe('Cluster "c" set.\n');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await kubectl('config', 'get-clusters')).out).toBe('NAME\nc\n');
  });
});
