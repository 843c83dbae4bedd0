import { rm } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { apiClient, startApp, type ApiClient, type RunningApp } from '../support/app';
import { launchBrowser, openPage, picture } from '../support/browser';
import { eventually } from '../support/kubectl';
import { Window } from './pages/window';

/** What can be done to workloads and nodes by hand, on simulated nodes: one window, no Docker. */
let app: RunningApp;
let api: ApiClient;
let browser: Browser;
let window: Window;
let problems: string[];

const template = (name: string) => ({
  metadata: { labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name, image: `${name}:1` }] },
});
const replicated = (kind: string, name: string, more: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, template: template(name), ...more },
});
const apps = '/apis/apps/v1/namespaces/default';
const pods = '/api/v1/namespaces/default/pods';
const group = 'stable.example.com';
const get = async (path: string) => (await api.call('GET', path)).body;
const post = async (path: string, body: object) => {
  const answer = await api.call('POST', path, body);
  expect(answer.status, answer.text).toBe(201);
};

beforeAll(async () => {
  app = await startApp({ args: ['--runtime', 'simulated', '--simulated-nodes', '3'] });
  api = await apiClient(app.kubeconfig);
  await post(`${apps}/statefulsets`, replicated('StatefulSet', 'db', { serviceName: 'db', replicas: 2 }));
  await post(`${apps}/deployments`, replicated('Deployment', 'web', { replicas: 3 }));
  await post('/apis/batch/v1/namespaces/default/cronjobs', {
    metadata: { name: 'report' },
    spec: {
      schedule: '0 0 1 1 *',
      jobTemplate: { spec: { template: { spec: { ...template('report').spec, restartPolicy: 'Never' } } } },
    },
  });
  await post(pods, { metadata: { name: 'alone' }, spec: template('alone').spec });
  await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: `crontabs.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          additionalPrinterColumns: [{ name: 'Schedule', type: 'string', jsonPath: '.spec.cronSpec' }],
        },
      ],
    },
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

/** A step of the window, with a picture when it fails. */
function step(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    onTestFailed(() => picture(window.page, name));
    await work();
  });
}

step('restarts a StatefulSet and shows its revisions', async () => {
  const table = await window.open('statefulsets');
  await table.showing('db', 1, 'Ready');
  await table.openRow('db');
  await window.drawer.action('restart');
  await window.confirm();
  await eventually('a second revision', async () => {
    const { status } = await get(`${apps}/statefulsets/db`);
    return (
      status.updatedReplicas === 2 && status.currentRevision === status.updateRevision && status.readyReplicas === 2
    );
  });
  await window.drawer.root.getByTestId('revisions').locator('tbody tr').nth(1).waitFor();
  await window.drawer.close();
});

step('pauses and resumes the rollout of a Deployment, which has actions of its own', async () => {
  const table = await window.open('deployments');
  await table.openRow('web');
  await window.drawer.action('pause');
  await table.showing('web', 1, 'Paused');
  expect((await get(`${apps}/deployments/web`)).spec.paused).toBe(true);
  await window.drawer.action('resume');
  await table.showing('web', 1, 'Available');
  await window.drawer.close();
});

step('starts a job from a CronJob and suspends it', async () => {
  const table = await window.open('cronjobs');
  await table.openRow('report');
  await window.drawer.action('trigger');
  await window.drawer.root.getByTestId('runs').getByText('report-manual-').waitFor();
  await window.drawer.action('suspend');
  await table.showing('report', 1, 'Suspended');
  await window.drawer.action('unsuspend');
  await eventually('the schedule holds again', async () => {
    const { spec } = await get('/apis/batch/v1/namespaces/default/cronjobs/report');
    return spec.suspend === false;
  });
  await window.drawer.close();
});

step('lists custom resources by the columns of their definition and deletes one', async () => {
  const table = await window.open(`crontabs.${group}`);
  for (const name of ['nightly', 'hourly']) {
    await post(`/apis/${group}/v1/namespaces/default/crontabs`, {
      apiVersion: `${group}/v1`,
      kind: 'CronTab',
      metadata: { name },
      spec: { cronSpec: name === 'hourly' ? '0 * * * *' : '0 2 * * *' },
    });
  }
  await table.showing('nightly', 1, '0 2 * * *');
  await table.root.getByRole('columnheader', { name: 'Schedule' }).waitFor();
  await table.openRow('hourly');
  await window.drawer.root.getByText('cronSpec').waitFor();
  await window.drawer.action('edit');
  expect(await window.dock.read()).toContain('kind: CronTab');
  await window.dock.closeTab('edit');
  await window.drawer.action('delete');
  await window.confirm();
  await table.showing('hourly', 0, '');
  await table.showing('nightly', 1, '0 2 * * *');
  await window.drawer.close();
});

step('drains a node: tells what is in the way, then empties it; and takes it back', async () => {
  const { nodeName } = (await get(`${pods}/alone`)).spec;
  const table = await window.open('nodes');
  await table.openRow(nodeName);
  await window.drawer.action('drain');
  const dialog = window.dialog('drain');
  expect(await dialog.getByTestId('drain-blocked').textContent()).toContain('default/alone');
  expect(await dialog.getByTestId('dialog-confirm').isDisabled()).toBe(true);
  await dialog.getByTestId('drain-force').check();
  await window.confirm();
  await eventually('the node is empty', async () => {
    const { items } = await get('/api/v1/pods');
    return items.every((pod: any) => pod.spec.nodeName !== nodeName);
  });
  await table.showing(nodeName, 1, 'cordoned');
  await window.drawer.action('uncordon');
  await table.showing(nodeName, 1, 'Ready');
  expect((await get(`/api/v1/nodes/${nodeName}`)).spec.unschedulable ?? false).toBe(false);
  await window.drawer.action('cordon');
  await window.confirm();
  await table.showing(nodeName, 1, 'cordoned');
  await window.drawer.close();
});

step('force deletes a pod, in roomier rows', async () => {
  await window.byId('nav-settings').click();
  await window.byId('density-comfortable').check({ force: true });
  const table = await window.open('pods');
  const [name] = await table.showing('db-', 2, 'Running');
  expect((await table.row(name!).first().boundingBox())?.height).toBe(36);
  const { uid } = (await get(`${pods}/${name}`)).metadata;
  await table.openRow(name!);
  await window.drawer.action('delete');
  await window.byId('delete-force').check();
  await window.confirm();
  await eventually('another pod took its place', async () => {
    const { body, status } = await api.call('GET', `${pods}/${name}`);
    return status === 200 && body.metadata.uid !== uid;
  });
  expect(problems).toEqual([]);
});
