import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { launchBrowser, openPage, picture } from '../support/browser';
import { ensureBusybox } from '../support/docker';
import { create } from '../support/in-pods';
import { Window } from './pages/window';

/** What runs on a real engine, reached from the window: its pages, and how full its volume is. */
let app: RunningApp;
let api: ApiClient;
let browser: Browser;
let window: Window;
let problems: string[];

beforeAll(async () => {
  await ensureBusybox();
  app = await startApp({ args: ['--runtime', 'docker'] });
  api = await apiClient(app.kubeconfig);
  const resources = { requests: { storage: '100Mi' } };
  await create(api, '/api/v1/namespaces/default/persistentvolumeclaims', {
    metadata: { name: 'pages' },
    spec: { accessModes: ['ReadWriteOnce'], resources },
  });
  const script =
    'mkdir -p /www; hostname > /www/index.html; dd if=/dev/zero of=/www/much bs=1M count=25; exec httpd -f -p 8080 -h /www';
  await create(api, '/api/v1/namespaces/default/pods', {
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'web',
          image: 'busybox:1',
          command: ['sh', '-c', script],
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/much', port: 'http' }, periodSeconds: 1 },
          volumeMounts: [{ name: 'pages', mountPath: '/www' }],
        },
      ],
      volumes: [{ name: 'pages', persistentVolumeClaim: { claimName: 'pages' } }],
    },
  });
  await create(api, '/api/v1/namespaces/default/services', {
    metadata: { name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
  });
  browser = await launchBrowser();
  const opened = await openPage(browser, app.ui);
  window = new Window(opened.page);
  problems = opened.problems;
  const table = await window.open('pods');
  await table.showing('web', 1, 'Running');
});
afterAll(async () => {
  await browser?.close();
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
});

test('forwarded ports of a pod and of a service lead to their page', async () => {
  onTestFailed(() => picture(window.page, 'reach-forward'));
  const { page } = window;
  for (const kind of ['pods', 'services']) {
    const table = await window.open(kind);
    await table.openRow('web');
    await window.drawer.action('port-forward');
    await window.dialog('port-forward').getByTestId('forward-open').uncheck();
    await window.confirm();
    await window.drawer.close();
  }
  await page.getByTestId('nav-port-forwards').click();
  await window.expectEventually('both are listed', async () => (await page.getByTestId('forward').count()) === 2);
  const addresses = await page.getByTestId('forward-address').allTextContents();
  for (const address of addresses) {
    const answer = async () =>
      fetch(`http://${address.trim()}/`).then(
        (response) => response.text(),
        (error: Error) => error.message,
      );
    await expect.poll(answer, { timeout: 30_000 }).toBe('web\n');
  }
  expect(await page.getByTestId('forward-error').count()).toBe(0);
  await page.getByTestId('forward-stop').first().click();
  await window.expectEventually('one is left', async () => (await page.getByTestId('forward').count()) === 1);
  expect(problems).toEqual([]);
});

test('a claim says how much of it is used', async () => {
  onTestFailed(() => picture(window.page, 'reach-claim'));
  const table = await window.open('persistentvolumeclaims');
  await table.showing('pages', 1, 'Bound');
  await table.openRow('pages');
  const usage = window.drawer.root.getByTestId('claim-usage');
  await usage.waitFor();
  // What `dd` wrote, as the engine counts it, of what was asked for.
  expect(await usage.textContent()).toMatch(/2[5-6](\.\d)?\s?Mi\S* of 100\s?Mi/);
  expect(problems).toEqual([]);
});
