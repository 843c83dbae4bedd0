import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { apiClient, startApp, type ApiClient, type RunningApp } from '../support/app';
import { launchBrowser, openPage, picture } from '../support/browser';
import { Window } from './pages/window';

/** Ports of this machine that lead into the cluster. On simulated nodes nobody answers there, which must show. */
let app: RunningApp;
let api: ApiClient;
let browser: Browser;
let window: Window;
let problems: string[];

beforeAll(async () => {
  app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '1'] });
  api = await apiClient(app.kubeconfig);
  const labels = { app: 'web' };
  const containers = [{ name: 'web', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }];
  await api.call('POST', '/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  });
  await api.call('POST', '/api/v1/namespaces/default/services', {
    metadata: { name: 'web' },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  });
  browser = await launchBrowser();
  const opened = await openPage(browser, app.ui);
  window = new Window(opened.page);
  problems = opened.problems;
});
afterAll(async () => {
  api?.close();
  await browser?.close();
  await app?.stop();
  if (app) await rm(app.dataDirectory, { recursive: true, force: true });
});

const ask = (address: string): Promise<void> =>
  new Promise((resolve) => {
    const [host, port] = address.split(':');
    const socket = connect(Number(port), host);
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });

test('a port is forwarded from the drawer, listed with what becomes of it, and stopped', async () => {
  onTestFailed(() => picture(window.page, 'port-forward'));
  const { page } = window;
  const table = await window.open('deployments');
  await table.showing('web', 1, 'Available');
  await table.openRow('web');
  await window.drawer.action('port-forward');
  const dialog = page.getByTestId('dialog-port-forward');
  await dialog.getByTestId('forward-remote').waitFor();
  expect(await dialog.getByTestId('forward-remote').inputValue()).toBe('8080');
  await dialog.getByTestId('forward-open').uncheck();
  await window.confirm();
  await window.drawer.close();

  await page.getByTestId('nav-port-forwards').click();
  const row = page.getByTestId('forward');
  await row.waitFor();
  expect(await row.textContent()).toContain('Deployment web');
  const address = (await row.getByTestId('forward-address').textContent())!.trim();
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  await ask(address);
  await row.getByTestId('forward-error').waitFor();
  expect(await row.textContent()).toContain('Failing');
  await row.getByTestId('forward-stop').click();
  await row.waitFor({ state: 'detached' });

  // A service's own ports are links.
  await window.open('services');
  await page.getByTestId('table-services').getByText('web', { exact: true }).click();
  await window.drawer.root.getByTestId('open-port').waitFor();
  expect(problems).toEqual([]);
});
