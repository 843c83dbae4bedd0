import { rm } from 'node:fs/promises';
import type { Browser, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { apiClient, startApp, type ApiClient, type RunningApp } from '../support/app';
import { launchBrowser, openPage, picture } from '../support/browser';
import { eventually } from '../support/kubectl';
import { Window } from './pages/window';

/** Nodes, a DaemonSet's revisions, storage and settings in one window on simulated nodes; what fails; the keyboard. */
let app: RunningApp;
let api: ApiClient;
let browser: Browser;
let window: Window;
let problems: string[];
/** The method whose calls, or the kind whose lists, fail on the way to the app. */
let failing = '';

const daemonSet = '/apis/apps/v1/namespaces/default/daemonsets/agent';
const get = async (path: string) => (await api.call('GET', path)).body;
const merge = { 'content-type': 'application/merge-patch+json' };
const post = async (path: string, body: object) => {
  const answer = await api.call('POST', path, body);
  expect(answer.status, answer.text).toBe(201);
};
const template = (name: string, image: string) => ({
  metadata: { labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name, image }] },
});

beforeAll(async () => {
  app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '2'] });
  api = await apiClient(app.kubeconfig);
  await post('/apis/apps/v1/namespaces/default/daemonsets', {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: { selector: { matchLabels: { app: 'agent' } }, template: template('agent', 'agent:1') },
  });
  browser = await launchBrowser();
  const opened = await openPage(browser, 'about:blank');
  await opened.page.routeWebSocket(/./, (route: WebSocketRoute) => {
    const server = route.connectToServer();
    route.onMessage((text) => {
      const { id, method, params } = JSON.parse(String(text));
      if (!failing || (method ?? params?.kind) !== failing) return server.send(text);
      const error = { code: 'unavailable', message: 'the API takes a nap' };
      route.send(JSON.stringify({ type: method ? 'error' : 'end', id, error }));
    });
  });
  await opened.page.goto(app.ui);
  window = new Window(opened.page);
  problems = opened.problems;
});
afterAll(async () => {
  api?.close();
  await browser?.close();
  await app?.stop();
  if (app) await rm(app.dataDirectory, { recursive: true, force: true });
});

/** A step of the window, with a picture when it fails. */
function step(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    onTestFailed(() => picture(window.page, name));
    await work();
  });
}

step('tells why revisions cannot be shown, then rolls a DaemonSet back to its first one', async () => {
  const updated = { spec: { template: { spec: { containers: [{ name: 'agent', image: 'agent:2' }] } } } };
  expect((await api.call('PATCH', daemonSet, updated, merge)).status).toBe(200);
  await eventually('both nodes have the second image', async () => {
    const { status, metadata } = await get(daemonSet);
    return status.observedGeneration === metadata.generation && status.updatedNumberScheduled === 2;
  });
  failing = 'workload.revisions';
  const table = await window.open('daemonsets');
  await table.openRow('agent');
  const { root } = window.drawer;
  await root.getByTestId('revisions-failed').getByText('the API takes a nap').waitFor();
  failing = '';
  await root.getByTestId('revisions-failed').getByRole('button').click();
  await root.getByTestId('revisions').locator('tbody tr').nth(1).waitFor();
  expect(await root.getByTestId('revisions-failed').count()).toBe(0);

  await window.drawer.action('rollback');
  const dialog = window.dialog('rollback');
  await dialog.locator('[data-revision="1"]').click();
  await window.confirm();
  await eventually('the first image is back', async () => {
    const { spec, status } = await get(daemonSet);
    return spec.template.spec.containers[0].image === 'agent:1' && status.updatedNumberScheduled === 2;
  });
  await root.getByTestId('revisions').locator('tbody tr').first().getByText('agent:1').waitFor();
  await window.drawer.close();
});

step('claims nothing on the overview of what it could not read', async () => {
  failing = 'events';
  await window.page.reload();
  await window.overview();
  const overview = window.byId('overview');
  await overview.getByTestId('rows-failed').getByText('the API takes a nap').waitFor();
  expect(await window.byId('tile-warnings').textContent()).toContain('–');
  await window.expectEventually('its nodes', async () =>
    ((await window.byId('tile-nodes').textContent()) ?? '').includes('2/2'),
  );
  failing = '';
  await overview.getByTestId('rows-failed').getByRole('button').click();
  await overview.getByTestId('events').waitFor();
  expect(await window.byId('tile-warnings').textContent()).toMatch(/\d/);
});

step('adds a node, stops and starts its agent, and removes it', async () => {
  const table = await window.open('nodes');
  await window.byId('add-node').click();
  const name = window.byId('node-name');
  expect(await name.evaluate((element) => element === document.activeElement)).toBe(true);
  await name.fill('Not A Name');
  expect(await name.getAttribute('aria-invalid')).toBe('true');
  await window.byId('node-cpu').fill('0');
  expect(await window.dialog('add-node').getByRole('alert').count()).toBe(2);
  expect(await window.byId('dialog-confirm').isDisabled()).toBe(true);
  await name.fill('extra');
  await window.byId('node-cpu').fill('2');
  await window.confirm();
  await table.showing('extra', 1, 'Ready');
  expect((await get('/api/v1/nodes/extra')).status.capacity.cpu).toBe('2');

  await table.openRow('extra');
  await window.drawer.action('stop-agent');
  await window.confirm();
  await window.sees('Stopped the agent of Node extra');
  // What the node lifecycle controller says of a silent node after 40 s.
  const conditions = (await get('/api/v1/nodes/extra')).status.conditions.map((one: any) =>
    one.type === 'Ready' ? { ...one, status: 'Unknown', reason: 'NodeStatusUnknown' } : one,
  );
  expect((await api.call('PATCH', '/api/v1/nodes/extra/status', { status: { conditions } }, merge)).status).toBe(200);
  await table.showing('extra', 1, 'NotReady');
  await window.drawer.action('start-agent');
  await eventually('the node is ready again', async () =>
    (await get('/api/v1/nodes/extra')).status.conditions.some(
      ({ type, status }: any) => type === 'Ready' && status === 'True',
    ),
  );
  await window.drawer.action('remove-node');
  await window.confirm();
  await table.showing('extra', 0, '');
  await window.drawer.close();
});

step('cordons several nodes at once and takes them back', async () => {
  const table = await window.open('nodes');
  await table.root.getByRole('checkbox').first().check();
  await window.byId('bulk-cordon').click();
  await window.confirm();
  await table.showing('', 2, 'cordoned');
  await window.byId('bulk-uncordon').click();
  await eventually('both take pods again', async () => {
    const { items } = await get('/api/v1/nodes');
    return items.every(({ spec }: any) => !spec.unschedulable);
  });
  await window.page.keyboard.press('Escape');
});

step('shows a storage class with its claims, and leads to them', async () => {
  await post('/api/v1/namespaces/default/persistentvolumeclaims', {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  const table = await window.open('storageclasses');
  await table.openRow('standard');
  await window.drawer.root.getByText('Yes: claims that name no class get it').waitFor();
  expect(await window.drawer.text()).toContain('Delete: its data goes with the claim');
  await window.drawer.root.getByRole('button', { name: 'data', exact: true }).click();
  await window.drawer.root.getByText('It waits for a pod that uses it').waitFor();
  await window.drawer.close();
});

step('says at once why a pod does not start', async () => {
  const volumes = [{ name: 'settings', configMap: { name: 'not-there' } }];
  const { spec } = template('stuck', 'stuck:1');
  await post('/api/v1/namespaces/default/pods', { metadata: { name: 'stuck' }, spec: { ...spec, volumes } });
  const table = await window.open('pods');
  await table.showing('stuck', 1, 'ContainerCreating');
  await table.openRow('stuck');
  await window.drawer.root.getByTestId('trouble').getByText('configmap "not-there" not found').waitFor();
  await window.drawer.close();
});

step('keeps the settings', async () => {
  const { page } = window;
  await window.byId('nav-settings').click();
  const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
  await window.byId('theme-dark').check({ force: true });
  expect(await theme()).toBe('dark');
  const size = window.byId('terminal-font-size');
  await size.fill('99');
  await size.press('Enter');
  expect(await size.inputValue()).toBe('13');
  await size.fill('18');
  await size.press('Enter');
  await page.reload();
  await size.waitFor();
  expect(await size.inputValue()).toBe('18');
  expect(await theme()).toBe('dark');
  await window.byId('theme-light').check({ force: true });
  expect(await theme()).toBe('light');
});

step('is used by keyboard alone, and names everything that can be reached', async () => {
  const { page } = window;
  const { keyboard } = page;
  const table = await window.open('nodes');
  const [first] = await table.showing('', 2, 'Ready');
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
  await keyboard.press('/');
  expect(await focused()).toBe('table-filter');
  await keyboard.type(first!);
  await table.showing('', 1, 'Ready');
  // Once for the text, once for the field.
  await keyboard.press('Escape');
  await keyboard.press('Escape');
  expect(await focused()).toBe('table-nodes');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await window.drawer.root.getByTestId('conditions').waitFor();
  expect(await unnamed()).toEqual([]);
  await keyboard.press('Escape');
  await window.drawer.root.waitFor({ state: 'hidden' });
  expect(await focused()).toBe('table-nodes');

  await keyboard.press('Shift+F10');
  await page.getByRole('menu').waitFor();
  expect(await unnamed()).toEqual([]);
  await page.getByRole('menuitem', { name: 'Cordon' }).focus();
  await keyboard.press('Enter');
  await window.dialog('cordon').waitFor();
  expect(await unnamed()).toEqual([]);
  await keyboard.press('Escape');
  await window.dialog('cordon').waitFor({ state: 'hidden' });
  await keyboard.press('Control+k');
  await window.byId('palette-input').waitFor();
  await keyboard.type('settings');
  await keyboard.press('Enter');
  await window.byId('settings').waitFor();
  expect(await unnamed()).toEqual([]);
  expect(problems).toEqual([]);
});

/** What can be reached by keyboard and has no name for who does not see it. */
function unnamed(): Promise<string[]> {
  return window.page.evaluate(() => {
    const inSight = (element: Element) =>
      element.checkVisibility() && !element.closest('[aria-hidden="true"], [inert]');
    const textOf = (id: string) => document.getElementById(id)?.textContent ?? '';
    const nameOf = (element: Element) =>
      [
        element.getAttribute('aria-label'),
        ...(element.getAttribute('aria-labelledby') ?? '').split(' ').map(textOf),
        ...[...((element as HTMLInputElement).labels ?? [])].map((label) => label.textContent),
        element.matches('input, select, textarea') ? '' : element.textContent,
        element.getAttribute('title'),
      ]
        .join('')
        .trim();
    const reached = 'button, a[href], input, select, textarea, [role="menuitem"], [role="dialog"], [tabindex="0"]';
    return [...document.querySelectorAll(reached)]
      .filter((element) => inSight(element) && !nameOf(element))
      .map((element) => element.outerHTML.slice(0, 160));
  });
}
