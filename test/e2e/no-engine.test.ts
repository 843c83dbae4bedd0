import { rm } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { apiClient, startApp, type RunningApp } from '../support/app';
import { launchBrowser, openPage, picture } from '../support/browser';
import { eventually } from '../support/kubectl';
import { Window } from './pages/window';

let app: RunningApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp({ args: ['--docker-host', 'unix:///nowhere/docker.sock'] });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await app?.stop();
  if (app) await rm(app.dataDirectory, { recursive: true, force: true });
});

test('without a Docker Engine the app says so and offers simulated nodes, which are marked', async () => {
  const { page, problems } = await openPage(browser, app.ui);
  onTestFailed(() => picture(page, 'no-engine'));
  const window = new Window(page);
  const banner = window.byId('engine-banner');
  await banner.waitFor();
  expect(await banner.textContent()).toContain('unix:///nowhere/docker.sock');
  const api = await apiClient(app.kubeconfig);
  expect((await api.call('GET', '/api/v1/nodes')).body.items).toEqual([]);

  await banner.getByTestId('engine-simulate').click();
  const nodes = await window.open('nodes');
  await nodes.showing('gantry-sim-', 3, 'Ready');
  await window.byId('simulated-badge').first().waitFor();

  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pretend' },
    spec: { containers: [{ name: 'app', image: 'example/app:1' }] },
  };
  await api.call('POST', '/api/v1/namespaces/default/pods', pod);
  await eventually(
    'the simulated pod runs',
    async () => (await api.call('GET', '/api/v1/namespaces/default/pods/pretend')).body.status?.phase === 'Running',
  );
  const pods = await window.open('pods');
  await pods.showing('pretend', 1, 'Running');
  expect(problems).toEqual([]);
  api.close();
});
