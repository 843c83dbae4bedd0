import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually } from '../support/kubectl';

let app: RunningApp;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-python-'));
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
  const api = await apiClient(app.kubeconfig);
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: 'python' } });
  await eventually('the account of the pods', async () => {
    const { status } = await api.call('GET', '/api/v1/namespaces/python/serviceaccounts/default');
    return status === 200;
  });
  api.close();
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

test("Kubernetes' client for Python can do its work", async () => {
  const lines = await new Promise<string[]>((done, reject) => {
    execFile(
      '/usr/bin/python3',
      ['-W', 'ignore', resolve('test/compat/python/drive.py'), app.kubeconfig, 'python'],
      { env: { PATH: process.env.PATH, HOME: home }, timeout: 110_000 },
      (error, stdout, stderr) => {
        const said = stdout.trim().split('\n');
        if (error && !said.some((line) => line.startsWith('failed'))) reject(new Error(stdout + stderr));
        else done(said);
      },
    );
  });
  expect(lines.filter((line) => line.startsWith('failed'))).toEqual([]);
  expect(lines).toHaveLength(10);
});
