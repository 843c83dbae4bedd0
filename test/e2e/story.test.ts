import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { launchBrowser, openPage, picture } from '../support/browser';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';
import { startRegistry, type Registry } from '../support/registry';
import { Window } from './pages/window';

/** The main job, as a person does it: one story told in order, on one cluster. */
const namespace = 'shop';
const pods = `/api/v1/namespaces/${namespace}/pods`;
const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;

const manifest = (image: string, replicas = 'replicas: 3') => `apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: ${namespace}
data:
  GREETING: hello
---
apiVersion: v1
kind: Secret
metadata:
  name: credentials
  namespace: ${namespace}
stringData:
  token: s3cret
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: ${namespace}
spec:
  ${replicas}
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: web
          image: ${image}
          command: ["sh", "-c", "echo started $VERSION; echo $GREETING $TOKEN; exec httpd -f -vv -p 8080 -h /www"]
          ports:
            - containerPort: 8080
          env:
            - name: GREETING
              valueFrom:
                configMapKeyRef:
                  name: settings
                  key: GREETING
            - name: TOKEN
              valueFrom:
                secretKeyRef:
                  name: credentials
                  key: token
          readinessProbe:
            httpGet:
              path: /
              port: 8080
            periodSeconds: 1
          resources:
            requests:
              cpu: 20m
              memory: 16Mi
            limits:
              cpu: 500m
              memory: 64Mi
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: ${namespace}
spec:
  selector:
    app: web
  ports:
    - port: 80
      targetPort: 8080
`;

let registry: Registry;
let app: RunningApp;
let api: ApiClient;
let browser: Browser;
let window: Window;
let problems: string[];
let real: Kubectl;
let home: string;
let failed = false;

const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).trim();
/** Selects what belongs to this cluster and the story's namespace. */
const ours = () => [
  '--filter',
  `label=gantry.dev/cluster=${JSON.parse(readFileSync(join(app.dataDirectory, 'cluster.json'), 'utf8')).id}`,
  '--filter',
  `label=gantry.dev/pod-namespace=${namespace}`,
];
/** Containers of the story's namespace that run in Docker, sandboxes left out. */
const containers = () =>
  docker('ps', '-q', '--no-trunc', ...ours(), '--filter', 'label=gantry.dev/kind=app')
    .split('\n')
    .filter(Boolean)
    .sort();
const podList = async () => (await api.call('GET', pods)).body.items as any[];
const readyPods = async () =>
  (await podList()).filter(
    (pod) =>
      !pod.metadata.deletionTimestamp &&
      pod.status.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True'),
  );

async function openWindow(): Promise<void> {
  const opened = await openPage(browser, app.ui);
  window = new Window(opened.page);
  problems = opened.problems;
}

beforeAll(async () => {
  registry = await startRegistry();
  registry.push('gantry-test/web:v1', 'web:v1');
  registry.push('gantry-test/web:v2', 'web:v2');
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'docker'], env: { HOME: home, SHELL: '/bin/sh', KUBECONFIG: '' } });
  api = await apiClient(app.kubeconfig);
  real = kubectl(kubectls[1]!.binary, app.kubeconfig, home);
  browser = await launchBrowser();
  await openWindow();
});
afterAll(async () => {
  await browser?.close();
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await registry?.stop();
  await rm(home, { recursive: true, force: true });
});

/** One step of the story; after a failure the following ones say so at once instead of timing out. */
function step(name: string, run: () => Promise<void>): void {
  test(name, async () => {
    expect(failed, 'an earlier step failed').toBe(false);
    onTestFailed(async () => {
      failed = true;
      await picture(window.page, name);
    });
    await run();
    expect(problems, 'errors in the browser console').toEqual([]);
  });
}

step('1. the window shows a running one-node cluster with its usage', async () => {
  await window.byId('overview').waitFor();
  const nodes = await window.open('nodes');
  await nodes.showing('gantry', 1, 'Ready');
  await window.overview();
  await window.expectEventually(
    'the add-ons come up',
    async () => {
      const addons = await window.byId('addon').allTextContents();
      return ['kube-dns', 'kube-proxy'].every((name) =>
        addons.some((text) => text.includes(name) && /Available|Running/.test(text)),
      );
    },
    240_000,
  );
  await window.expectEventually(
    'the chart of the cluster moves',
    async () => Number(await window.byId('chart-cpu').getAttribute('data-points')) >= 3,
    90_000,
  );
});

step('2a. mistakes in the YAML are shown at their line and nothing is stored', async () => {
  const image = `${registry.host}/web:v1`;
  const mistakes: [string, string, RegExp][] = [
    [
      'bad indentation',
      manifest(image).replace('    metadata:\n      labels:', '   metadata:\n      labels:'),
      /Line \d+/,
    ],
    ['unknown field', manifest(image, 'replicaCount: 3'), /unknown field "spec\.replicaCount"/],
    ['wrong type', manifest(image, 'replicas: three'), /cannot unmarshal string .*replicas/],
    [
      'missing image',
      manifest(image).replace(/ +image: .*\n/, ''),
      /spec\.template\.spec\.containers\[0\]\.image: Required value/,
    ],
  ];
  for (const [what, yaml, words] of mistakes) {
    await window.create(yaml);
    const fault = window.byId('editor-fault').filter({ hasText: words }).first();
    await fault.waitFor({ timeout: 30_000 }).catch(() => {
      throw new Error(`${what}: no fault that matches ${String(words)} is shown`);
    });
    expect(await fault.textContent(), what).toMatch(/Line \d+/);
    expect((await api.call('GET', deployment)).status, what).toBe(404);
    await window.dock.closeTab('create');
  }
});

step('2b. a correct multi-document YAML is applied; rows go live from Pending to Running', async () => {
  await window.create(manifest(`${registry.host}/web:v1`));
  await window.expectEventually(
    'five documents are created',
    async () => (await window.page.locator('[data-testid="editor-result"][data-action="created"]').count()) === 5,
  );
  await window.dock.closeTab('create');
  await window.chooseNamespace(namespace);
  const table = await window.open('pods');
  await table.showing('web-', 3, 'Running');
  expect((await readyPods()).length).toBeLessThanOrEqual(3);
  await eventually('three pods are ready', async () => (await readyPods()).length === 3);
});

step('3a. scale to five with the dialog', async () => {
  const table = await window.open('deployments');
  await table.openRow('web');
  await window.drawer.action('scale');
  await window.byId('scale-replicas').fill('5');
  await window.confirm();
  await eventually('five pods are ready', async () => (await readyPods()).length === 5);
  await window.expectEventually('the drawer shows five', async () => (await window.drawer.text()).includes('5'));
});

/** Asks every ready pod for its page, over and over, and counts the times nobody answered. */
function pollPods() {
  let stopped = false;
  let gaps = 0;
  let answers = 0;
  const polling = (async () => {
    while (!stopped) {
      const ready = await readyPods();
      const results = await Promise.all(
        ready.map((pod) =>
          fetch(`http://${pod.status.podIP}:8080/`, { signal: AbortSignal.timeout(1000) }).then(
            (answer) => answer.ok,
            () => false,
          ),
        ),
      );
      const up = results.filter(Boolean).length;
      answers += up;
      if (up === 0) gaps++;
      await new Promise((tick) => setTimeout(tick, 100));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await polling;
      return { gaps, answers };
    },
  };
}

step('3b. a second image by editing the YAML: diff, save, a rolling update without a gap', async () => {
  const poll = pollPods();
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  const stopWatch = await api.watch(
    `${deployment.replace('/web', '')}?watch=1&fieldSelector=metadata.name%3Dweb`,
    ({ object }) => {
      most = Math.max(most, object.status?.replicas ?? 0);
      least = Math.min(least, object.status?.availableReplicas ?? 0);
    },
  );
  await window.drawer.action('edit');
  await window.expectEventually('the YAML is there', async () =>
    (await window.dock.read()).includes('kind: Deployment'),
  );
  const current = await api.call('GET', deployment);
  const { managedFields: _, ...metadata } = current.body.metadata;
  const edited = { ...current.body, metadata, status: undefined };
  edited.spec.template.spec.containers[0].image = `${registry.host}/web:v2`;
  await window.dock.write(JSON.stringify(edited, null, 2));
  await window.byId('editor-review').click();
  await window.expectEventually('the diff shows the new image', async () =>
    ((await window.byId('diff').textContent()) ?? '').includes('web:v2'),
  );
  await window.byId('editor-save').click();
  await eventually('all pods run the second image', async () => {
    const ready = await readyPods();
    return (
      ready.length === 5 &&
      ready.every((pod) => pod.spec.containers[0].image.endsWith(':v2')) &&
      (await podList()).length === 5
    );
  });
  stopWatch();
  const { gaps, answers } = await poll.stop();
  expect(gaps, 'moments in which no ready pod answered').toBe(0);
  expect(answers).toBeGreaterThan(10);
  // maxSurge 25 % of 5 is 2 (rounded up), maxUnavailable 1 (rounded down).
  expect(most).toBeLessThanOrEqual(7);
  expect(least).toBeGreaterThanOrEqual(4);
  const sets = await window.open('replicasets');
  await window.expectEventually(
    'the old and the new ReplicaSet are listed',
    async () => (await sets.names('web-')).length === 2,
  );
});

step('4a. an image that does not exist: the registry is quoted, the old pods keep serving', async () => {
  await api.call(
    'PATCH',
    deployment,
    { spec: { template: { spec: { containers: [{ name: 'web', image: `${registry.host}/web:v3` }] } } } },
    { 'content-type': 'application/strategic-merge-patch+json' },
  );
  const table = await window.open('pods');
  await window.expectEventually('the table shows the image error', async () =>
    /ErrImagePull|ImagePullBackOff/.test((await table.root.textContent()) ?? ''),
  );
  const broken = await eventually('a pod quotes the registry', async () =>
    (await podList()).find((pod) =>
      /manifest unknown|not found/.test(pod.status.containerStatuses?.[0]?.state?.waiting?.message ?? ''),
    ),
  );
  await table.openRow(broken.metadata.name);
  await window.sees(/manifest unknown/);
  expect(
    (await readyPods()).filter((pod) => pod.spec.containers[0].image.endsWith(':v2')).length,
  ).toBeGreaterThanOrEqual(4);
  await window.drawer.close();
});

step('4b. rollback: pick the revision by its image, see the diff, confirm', async () => {
  const table = await window.open('deployments');
  await table.openRow('web');
  await window.drawer.action('rollback');
  const dialog = window.dialog('rollback');
  await dialog.waitFor();
  const revision = dialog.getByTestId('revision').filter({ hasText: 'web:v2' });
  await revision.click();
  await window.expectEventually('the diff shows the image that goes', async () =>
    ((await dialog.getByTestId('diff').textContent()) ?? '').includes('web:v3'),
  );
  await window.confirm();
  await eventually('five healthy pods of the second image', async () => {
    const ready = await readyPods();
    return (
      ready.length === 5 &&
      (await podList()).length === 5 &&
      ready.every((pod) => pod.spec.containers[0].image.endsWith(':v2'))
    );
  });
  const history = await real.ok(['-n', namespace, 'rollout', 'history', 'deployment/web']);
  expect(history.match(/^\d+/gm)).toEqual(['1', '3', '4']);
  await window.drawer.close();
});

step('5a. a pod: containers, env, probes, events, chart; its log followed and searched', async () => {
  const [pod] = await readyPods();
  const table = await window.open('pods');
  await table.openRow(pod.metadata.name);
  const text = await eventually('the drawer tells of env, probes and events', async () => {
    const shown = await window.drawer.text();
    return shown.includes('GREETING') && /[Rr]eadiness/.test(shown) && shown.includes('Started') && shown;
  });
  expect(text).not.toContain('s3cret');
  await window.drawer.root.getByTestId('chart-cpu').waitFor();
  await window.drawer.action('logs');
  const shows = async (text: string) => ((await window.byId('logs').textContent()) ?? '').includes(text);
  await window.expectEventually('the log is shown', () => shows('response:200'));
  await fetch(`http://${pod.status.podIP}:8080/followed-line`);
  await window.expectEventually('a new line is followed', () => shows('followed-line'));
  await window.byId('logs-search').fill('hello\\s+s3\\w+');
  await window.expectEventually('the search counts', async () =>
    ((await window.byId('logs-matches').textContent()) ?? '').includes('1 of 1'),
  );
  await window.expectEventually('the search shows the line', () => shows('hello s3cret'));
  await window.dock.closeTab('logs');
});

step('5b. a shell in the pod, and a local terminal where kubectl works', async () => {
  await window.drawer.action('shell');
  await window.expectEventually('the shell has a prompt', async () => /[#$]/.test(await window.dock.screen()));
  await window.dock.type('echo in-$((40+2))-$GREETING');
  await window.expectEventually('the command answers', async () =>
    (await window.dock.screen()).includes('in-42-hello'),
  );
  await window.dock.closeTab('exec');
  await window.byId('new-terminal').click();
  await window.expectEventually('the terminal has a prompt', async () => /[#$]/.test(await window.dock.screen()));
  await window.dock.type(`kubectl get pods -n ${namespace}`);
  await window.expectEventually(
    'kubectl answers',
    async () =>
      /NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s/.test(await window.dock.screen()) &&
      (await window.dock.screen()).includes('web-'),
  );
  await window.dock.closeTab('terminal');
  await window.drawer.close();
});

step('6a. a deleted pod is replaced; a killed container restarts and is counted', async () => {
  const [victim] = await readyPods();
  const table = await window.open('pods');
  await table.openRow(victim.metadata.name);
  await window.drawer.action('delete');
  await window.confirm();
  await eventually('another pod took its place', async () => {
    const ready = await readyPods();
    return ready.length === 5 && ready.every((pod) => pod.metadata.uid !== victim.metadata.uid);
  });
  const [target] = await readyPods();
  docker('kill', target.status.containerStatuses[0].containerID.replace('docker://', ''));
  await eventually('the restart is counted', async () => {
    const pod = (await podList()).find((other) => other.metadata.uid === target.metadata.uid);
    return pod?.status.containerStatuses[0].restartCount === 1 && pod.status.containerStatuses[0].state.running;
  });
  await table.showing('web-', 5, 'Running');
  expect(await real.ok(['-n', namespace, 'logs', '--previous', target.metadata.name])).toContain('hello s3cret');
});

step('6b. quit and start again: the same containers, none restarted, none twice', async () => {
  await eventually('all is calm', async () => (await readyPods()).length === 5 && containers().length === 5);
  const before = containers();
  const restarts = (await podList())
    .map((pod) => [pod.metadata.uid, pod.status.containerStatuses[0].restartCount])
    .sort();
  api.close();
  await app.stop();
  expect(containers()).toEqual(before);
  app = await startApp({
    dataDirectory: app.dataDirectory,
    args: ['--runtime', 'docker'],
    env: { HOME: home, SHELL: '/bin/sh', KUBECONFIG: '' },
  });
  api = await apiClient(app.kubeconfig);
  real = kubectl(kubectls[1]!.binary, app.kubeconfig, home);
  await window.page.context().close();
  await openWindow();
  const table = await window.open('pods');
  await window.chooseNamespace(namespace);
  await table.showing('web-', 5, 'Running');
  await eventually('five pods are ready', async () => (await readyPods()).length === 5);
  // Long enough for a wrong reconcile to show itself.
  await new Promise((tick) => setTimeout(tick, 12_000));
  expect(containers()).toEqual(before);
  expect(
    (await podList()).map((pod) => [pod.metadata.uid, pod.status.containerStatuses[0].restartCount]).sort(),
  ).toEqual(restarts);
});

step('7. the namespace is deleted with everything in it, in Docker too', async () => {
  const table = await window.open('namespaces');
  await table.openRow(namespace);
  await window.drawer.action('delete');
  await window.byId('confirm-name').fill(namespace);
  await window.confirm();
  await eventually(
    'the namespace is gone',
    async () => (await api.call('GET', `/api/v1/namespaces/${namespace}`)).status === 404,
    90_000,
  );
  await eventually('nothing is left in Docker', async () => docker('ps', '-aq', ...ours()) === '');
  await window.expectEventually('the row is gone', async () => !(await table.names()).includes(namespace));
});
