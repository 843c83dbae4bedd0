import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, type Kubectl } from '../support/kubectl';

// The oldest kubectl anyone still has from a distribution: Debian bookworm's. It checks manifests against
// /openapi/v2 only, so apply and create are told not to here; the server checks all the same.
const unchecked = '--validate=false';

const web = (image: string, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: ${image}
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
`;

let app: RunningApp;
let home: string;
let k: Kubectl;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
  k = kubectl(resolve('.cache/kubectl/bookworm/kubectl'), app.kubeconfig, home);
  await eventually('the node is Ready', async () => (await k.ok(['get', 'nodes', '--no-headers'])).includes(' Ready '));
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

test('knows the server and what it serves', async () => {
  const version = JSON.parse(await k.ok(['version', '-o', 'json']));
  expect(version.clientVersion.minor).toBe('20');
  expect(version.serverVersion.gitVersion).toMatch(/^v1\.\d+\.\d+/);
  expect(await k.ok(['api-resources'])).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
  expect(await k.ok(['cluster-info'])).toContain(app.api);
  expect(await k.ok(['auth', 'can-i', 'create', 'pods'])).toBe('yes\n');
});

test('apply: created, unchanged, configured', async () => {
  const apply = (text: string) => k.ok(['apply', unchecked, '-f', '-'], text);
  expect(await apply(web('gantry-test/web:v1', 1))).toBe('deployment.apps/web created\nservice/web created\n');
  expect(await apply(web('gantry-test/web:v1', 1))).toBe('deployment.apps/web unchanged\nservice/web unchanged\n');
  expect(await apply(web('gantry-test/web:v1', 2))).toContain('deployment.apps/web configured\n');
  expect(await k.ok(['rollout', 'status', 'deployment/web', '--timeout=60s'])).toContain('successfully rolled out');
});

test('get and describe', async () => {
  const [header, ...rows] = (await k.ok(['get', 'pods', '-l', 'app=web'])).trimEnd().split('\n');
  expect(header).toMatch(/^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE$/);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(/^web-\w+-\w+\s+1\/1\s+Running\s+0\s/);
  expect(await k.ok(['get', 'all'])).toContain('service/web');
  expect(await k.ok(['get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}'])).toBe('2');
  expect((await k.run(['get', 'pods', 'nope'])).stderr).toContain('pods "nope" not found');
  expect(await k.ok(['describe', 'deployment', 'web'])).toMatch(/Replicas:\s+2 desired \| 2 updated \| 2 total/);
  expect(await k.ok(['describe', 'pods', '-l', 'app=web'])).toMatch(/Normal\s+Started/);
});

test('set image, history, undo, scale', async () => {
  await k.ok(['set', 'image', 'deployment/web', 'web=gantry-test/web:v2']);
  await k.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  expect(await k.ok(['rollout', 'history', 'deployment/web'])).toMatch(/^2\s/m);
  expect(await k.ok(['rollout', 'undo', 'deployment/web'])).toContain('rolled back');
  await k.ok(['rollout', 'status', 'deployment/web', '--timeout=60s']);
  expect(await k.ok(['get', 'deployment', 'web', '-o', 'jsonpath={..image}'])).toBe('gantry-test/web:v1');
  expect(await k.ok(['scale', 'deployment/web', '--replicas=1'])).toContain('deployment.apps/web scaled');
});

test('create, expose, label, patch, logs, delete', async () => {
  expect(await k.ok(['create', 'deployment', 'made', '--image=gantry-test/web:v1'])).toBe(
    'deployment.apps/made created\n',
  );
  expect(await k.ok(['expose', 'deployment', 'made', '--port=80', '--target-port=8080'])).toBe(
    'service/made exposed\n',
  );
  expect(await k.ok(['create', 'configmap', 'made', '--from-literal=a=1'])).toBe('configmap/made created\n');
  expect(await k.ok(['label', 'configmap', 'made', 'tier=test'])).toBe('configmap/made labeled\n');
  expect(await k.ok(['patch', 'configmap', 'made', '-p', '{"data":{"b":"2"}}'])).toBe('configmap/made patched\n');
  const said = ['run', 'said', '--image=busybox:1', '--restart=Never', '--', 'echo', 'hello'];
  expect(await k.ok(said)).toBe('pod/said created\n');
  await eventually('the pod has ended', async () => (await k.ok(['get', 'pod', 'said'])).includes('Completed'));
  expect(await k.ok(['logs', 'said'])).toBe('hello\n');
  expect(await k.ok(['delete', 'deployment,service,configmap', 'made', '--timeout=60s'])).toContain('"made" deleted');
});
