import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';

const web = (version: string, replicas = 3) => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: { app: web }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: gantry-test/web:${version}
          ports: [{ name: http, containerPort: 8080 }]
          envFrom: [{ configMapRef: { name: settings } }]
          env:
            - name: TOKEN
              valueFrom: { secretKeyRef: { name: credentials, key: token } }
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
          resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { memory: 64Mi } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { COLOUR: blue }
---
apiVersion: v1
kind: Secret
metadata: { name: credentials }
stringData: { token: s3cret }
`;

let app: RunningApp;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

describe.each(kubectls)('kubectl of Debian $suite', ({ suite, binary }) => {
  const namespace = `compat-${suite}`;
  let k: Kubectl;
  const inNamespace = (...args: string[]) => k.ok(['-n', namespace, ...args]);
  const lines = (text: string) => text.trimEnd().split('\n');

  beforeAll(async () => {
    k = kubectl(binary, app.kubeconfig, home);
    await eventually('the node is Ready', async () =>
      (await k.ok(['get', 'nodes', '--no-headers'])).includes(' Ready '),
    );
    await k.ok(['create', 'namespace', namespace]);
  });

  test('version, cluster-info, api-resources and api-versions', async () => {
    const version = JSON.parse(await k.ok(['version', '-o', 'json']));
    expect(version.serverVersion.gitVersion).toMatch(/^v1\.\d+\.\d+/);
    expect(await k.ok(['cluster-info'])).toContain(app.api);
    const resources = await k.ok(['api-resources']);
    expect(lines(resources)[0]).toMatch(/NAME\s+SHORTNAMES\s+APIVERSION\s+NAMESPACED\s+KIND/);
    expect(resources).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
    expect(await k.ok(['api-versions'])).toContain('discovery.k8s.io/v1');
  });

  test('apply creates, then says unchanged and configured', async () => {
    const created = await k.ok(['-n', namespace, 'apply', '-f', '-'], web('v1'));
    expect(created).toContain('deployment.apps/web created');
    expect(created).toContain('secret/credentials created');
    expect(await k.ok(['-n', namespace, 'apply', '-f', '-'], web('v1'))).toContain('deployment.apps/web unchanged');
    expect(await k.ok(['-n', namespace, 'apply', '-f', '-'], web('v1', 2))).toContain('deployment.apps/web configured');
    await k.ok(['-n', namespace, 'apply', '-f', '-'], web('v1', 3));
    expect(await inNamespace('rollout', 'status', 'deployment/web', '--timeout=90s')).toContain(
      'successfully rolled out',
    );
  });

  test('apply names the unknown field and stores nothing', async () => {
    const refused = await k.run(
      ['-n', namespace, 'apply', '-f', '-'],
      web('v1').split('---')[0]!.replace('replicas: 3', 'replicaCount: 3').replace('name: web', 'name: other'),
    );
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('unknown field "spec.replicaCount"');
    expect((await k.run(['-n', namespace, 'get', 'deployment', 'other'])).stderr).toContain(
      'deployments.apps "other" not found',
    );
  });

  test('get prints the columns of the server-side Table', async () => {
    expect(lines(await inNamespace('get', 'deployments'))[0]).toMatch(/^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE$/);
    // A pod that the scaling before took away may still be terminating.
    const pods = await eventually('three pods are listed', async () => {
      const list = lines(await inNamespace('get', 'pods', '-o', 'wide'));
      return list.length === 4 && list;
    });
    expect(pods[0]).toMatch(/^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES$/);
    expect(pods[1]).toMatch(/^web-\w+-\w+\s+1\/1\s+Running\s+0\s/);
    expect(lines(await inNamespace('get', 'svc'))[0]).toMatch(
      /^NAME\s+TYPE\s+CLUSTER-IP\s+EXTERNAL-IP\s+PORT\(S\)\s+AGE$/,
    );
    expect(lines(await k.ok(['get', 'nodes']))[0]).toMatch(/^NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION$/);
    const all = await inNamespace('get', 'all');
    expect(all).toContain('replicaset.apps/web-');
    expect(all).toContain('service/web');
    expect((await k.run(['-n', namespace, 'get', 'pods', '-l', 'app=nothing'])).stderr).toContain(
      `No resources found in ${namespace} namespace.`,
    );
    expect(lines(await inNamespace('get', 'endpointslices', '-o', 'name'))[0]).toMatch(
      /^endpointslice\.discovery\.k8s\.io\/web-/,
    );
  });

  test('describe shows the pod with its events', async () => {
    const [pod] = lines(await inNamespace('get', 'pods', '-l', 'app=web', '-o', 'name'));
    const text = await inNamespace('describe', pod!);
    expect(text).toContain('Controlled By:  ReplicaSet/web-');
    expect(text).toMatch(/COLOUR|settings/);
    expect(text).toMatch(/Normal\s+Scheduled/);
    expect(text).toMatch(/Normal\s+Started/);
    expect(await inNamespace('describe', 'deployment', 'web')).toMatch(
      /Replicas:\s+3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable/,
    );
    expect(await k.ok(['describe', 'nodes'])).toMatch(/Allocated resources:/);
  });

  test('scale up and down', async () => {
    expect(await inNamespace('scale', 'deployment/web', '--replicas=5')).toContain('deployment.apps/web scaled');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=90s');
    expect(lines(await inNamespace('get', 'pods', '-l', 'app=web', '--no-headers'))).toHaveLength(5);
    await inNamespace('scale', 'deployment/web', '--replicas=2');
    await eventually(
      'two pods are left',
      async () => lines(await inNamespace('get', 'pods', '-l', 'app=web', '--no-headers')).length === 2,
    );
  });

  test('rollout: new image, history, undo', async () => {
    await inNamespace('set', 'image', 'deployment/web', 'web=gantry-test/web:v2');
    await inNamespace('annotate', 'deployment/web', 'kubernetes.io/change-cause=second version');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=90s');
    const history = await inNamespace('rollout', 'history', 'deployment/web');
    expect(history).toMatch(/REVISION\s+CHANGE-CAUSE/);
    expect(history).toMatch(/2\s+second version/);
    expect(await inNamespace('rollout', 'history', 'deployment/web', '--revision=2')).toContain('gantry-test/web:v2');
    expect(await inNamespace('rollout', 'undo', 'deployment/web')).toContain('deployment.apps/web rolled back');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=90s');
    expect(
      await inNamespace('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'),
    ).toBe('gantry-test/web:v1');
    expect(await inNamespace('rollout', 'history', 'deployment/web')).not.toMatch(/^1\s/m);
    expect(await inNamespace('rollout', 'restart', 'deployment/web')).toContain('deployment.apps/web restarted');
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=90s');
  });

  test('a container that says something: logs, logs -f, exec, exit codes', async () => {
    const talker = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'talker' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'talker',
            image: 'busybox:1',
            command: ['sh', '-c', 'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done'],
          },
        ],
      },
    };
    await k.ok(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(talker));
    await inNamespace('wait', '--for=condition=Ready', 'pod/talker', '--timeout=60s');
    await eventually('a few lines were written', async () =>
      (await inNamespace('logs', 'talker')).includes('line 4\n'),
    );
    expect(lines(await inNamespace('logs', 'talker', '--tail=2'))).toHaveLength(2);
    const follow = k.start(['-n', namespace, 'logs', '-f', 'talker']);
    let text = '';
    follow.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await eventually('the log is followed', async () => text.includes('line 8\n'));
    follow.kill();
    expect(text.startsWith('line 1\nline 2\n')).toBe(true);

    expect(await inNamespace('exec', 'talker', '--', 'echo', 'hello from inside')).toBe('hello from inside\n');
    expect(await k.ok(['-n', namespace, 'exec', '-i', 'talker', '--', 'cat'], 'through stdin')).toBe('through stdin');
    const failed = await k.run(['-n', namespace, 'exec', 'talker', '--', 'sh', '-c', 'echo oops >&2; exit 7']);
    expect(failed).toMatchObject({ code: 7, stderr: expect.stringContaining('oops') });
    expect(await inNamespace('exec', 'deployment/web', '--', 'sh', '-c', 'echo $COLOUR $TOKEN')).toBe('blue s3cret\n');
  });

  test('top shows usage', async () => {
    const nodes = await eventually('usage of the node is known', async () => {
      const ran = await k.run(['top', 'nodes']);
      return ran.code === 0 && ran.stdout;
    });
    expect(nodes).toMatch(/CPU\(cores\)/);
    expect(
      await eventually('usage of the pods is known', async () => {
        const ran = await k.run(['-n', namespace, 'top', 'pods']);
        return ran.stdout.includes('talker') && ran.stdout;
      }),
    ).toMatch(/talker\s+\d+m\s+\d+Mi/);
  });

  test('create, label, patch, cordon, delete', async () => {
    expect(await inNamespace('create', 'configmap', 'made', '--from-literal=a=1')).toContain('configmap/made created');
    expect(await inNamespace('create', 'deployment', 'made', '--image=gantry-test/web:v1', '--replicas=0')).toContain(
      'deployment.apps/made created',
    );
    expect(await inNamespace('label', 'configmap/made', 'tier=test')).toContain('configmap/made labeled');
    expect(await inNamespace('patch', 'configmap', 'made', '--type=merge', '-p', '{"data":{"b":"2"}}')).toContain(
      'patched',
    );
    expect((await k.run(['-n', namespace, 'create', 'configmap', 'made'])).stderr).toContain(
      'configmaps "made" already exists',
    );
    expect(await inNamespace('delete', 'deployment/made', 'configmap/made')).toContain(
      'deployment.apps "made" deleted',
    );
    expect(await inNamespace('delete', 'pod', 'talker')).toContain('pod "talker" deleted');
    const node = (await k.ok(['get', 'nodes', '-o', 'name'])).trim();
    expect(await k.ok(['cordon', node])).toContain('cordoned');
    expect(await k.ok(['get', 'nodes'])).toContain('SchedulingDisabled');
    expect(await k.ok(['uncordon', node])).toContain('uncordoned');
  });

  test('a deleted namespace takes everything with it', async () => {
    expect(await k.ok(['delete', 'namespace', namespace, '--timeout=90s'])).toContain(
      `namespace "${namespace}" deleted`,
    );
    expect((await k.run(['get', 'namespace', namespace])).stderr).toContain(`namespaces "${namespace}" not found`);
    expect((await k.ok(['get', 'pods', '-A', '-o', 'name'])).includes('web')).toBe(false);
  });
});
