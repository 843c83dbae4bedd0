import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadOrCreatePki } from '../../src/main/cluster/apiserver/pki';
import { systemClock } from '../../src/main/cluster/clock';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { busybox, ensureBusybox } from '../support/docker';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';
import { ensureNodeImage } from '../support/node-image';

const api = '/apis/custom.metrics.k8s.io/v1beta2';
const name = 'v1beta2.custom.metrics.k8s.io';

const discovery = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'custom.metrics.k8s.io/v1beta2',
  resources: [
    { name: 'services/requests', singularName: '', namespaced: true, kind: 'MetricValueList', verbs: ['get'] },
  ],
};
const requests = {
  kind: 'MetricValueList',
  apiVersion: 'custom.metrics.k8s.io/v1beta2',
  metadata: {},
  items: [
    {
      describedObject: { kind: 'Service', namespace: 'default', name: 'web', apiVersion: '/v1' },
      metric: { name: 'requests', selector: null },
      timestamp: '2026-01-01T00:00:00Z',
      value: '30',
    },
  ],
};

/** A metrics adapter as others write them: it answers whom the API server vouches for and nobody else. */
const nginx = `daemon off; pid /tmp/nginx.pid; error_log stderr; events {}
http {
  access_log off;
  default_type application/json;
  server {
    listen 8443 ssl;
    ssl_certificate /tls/tls.crt;
    ssl_certificate_key /tls/tls.key;
    ssl_client_certificate /introduction/requestheader-client-ca-file;
    ssl_verify_client on;
    if ($ssl_client_s_dn != "CN=front-proxy-client") { return 403; }
    if ($http_x_remote_user = "") { return 401; }
    location = ${api} { return 200 '${JSON.stringify(discovery)}'; }
    location = ${api}/namespaces/default/services/web/requests { return 200 '${JSON.stringify(requests)}'; }
    location = ${api}/namespaces/default/services/web/asker { return 200 '{"user":"$http_x_remote_user"}'; }
  }
}
`;

let directory: string;
let app: RunningApp;
let run: Kubectl;

beforeAll(async () => {
  await ensureBusybox();
  directory = await mkdtemp(join(tmpdir(), 'gantry-aggregation-'));
  app = await startApp({
    dataDirectory: directory,
    args: ['--no-ui', '--runtime', 'docker', '--hpa-sync-period', '1s'],
  });
  run = kubectl(kubectls.at(-1)!.binary, app.kubeconfig, directory);
}, 60_000);
afterAll(async () => {
  await app?.stop();
  await deleteCluster(directory);
}, 60_000);

const create = (...objects: object[]) =>
  run.ok(['apply', '-f', '-'], objects.map((object) => JSON.stringify(object)).join('\n---\n'));

it('serves the API of a server in a pod as its own, and scales by its metrics', { timeout: 60_000 }, async () => {
  const tls = join(directory, 'adapter');
  const { caPem, serving } = await loadOrCreatePki(tls, { clock: systemClock, hosts: ['adapter.kube-system.svc'] });
  await rm(tls, { recursive: true });
  const labels = { app: 'adapter' };
  const metadata = { name: 'adapter', namespace: 'kube-system' };
  const volumes = { tls: 'adapter', introduction: 'extension-apiserver-authentication' };
  await create(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'nginx.conf': nginx, 'tls.crt': serving.cert, 'tls.key': serving.key },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ name: 'https', port: 443, targetPort: 8443 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [
              {
                name: 'nginx',
                image: await ensureNodeImage(),
                command: ['nginx', '-c', '/tls/nginx.conf'],
                readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
                volumeMounts: Object.keys(volumes).map((volume) => ({ name: volume, mountPath: `/${volume}` })),
              },
            ],
            volumes: Object.entries(volumes).map(([volume, configMap]) => ({
              name: volume,
              configMap: { name: configMap },
            })),
          },
        },
      },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name },
      spec: {
        service: { namespace: 'kube-system', name: 'adapter' },
        group: 'custom.metrics.k8s.io',
        version: 'v1beta2',
        caBundle: Buffer.from(caPem).toString('base64'),
        groupPriorityMinimum: 100,
        versionPriority: 200,
      },
    },
  );
  await run.ok(['wait', '--for=condition=Available', `apiservice/${name}`, '--timeout=30s']);
  const listed = await run.ok(['get', 'apiservices']);
  expect(listed).toMatch(/^NAME +SERVICE +AVAILABLE +AGE\n/);
  expect(listed).toMatch(/^v1\.apps +Local +True /m);
  expect(listed).toMatch(/^v1beta2\.custom\.metrics\.k8s\.io +kube-system\/adapter +True /m);
  expect(await run.ok(['api-versions'])).toContain('custom.metrics.k8s.io/v1beta2');
  const metric = `${api}/namespaces/default/services/web`;
  expect(JSON.parse(await run.ok(['get', '--raw', `${metric}/requests`]))).toEqual(requests);
  expect(JSON.parse(await run.ok(['get', '--raw', `${metric}/asker`]))).toEqual({ user: 'kubernetes-admin' });
  const jane = await run.run(['--as=jane', 'get', '--raw', `${metric}/requests`]);
  expect(jane.stderr).toContain('cannot get resource "services/requests" in API group "custom.metrics.k8s.io"');

  const web = { app: 'web' };
  await create(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 1,
        selector: { matchLabels: web },
        template: {
          metadata: { labels: web },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: 'web', image: busybox, command: ['sleep', '3600'] }],
          },
        },
      },
    },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        maxReplicas: 5,
        metrics: [
          {
            type: 'Object',
            object: {
              describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
              metric: { name: 'requests' },
              target: { type: 'AverageValue', averageValue: '10' },
            },
          },
        ],
      },
    },
  );
  await eventually(
    'three replicas',
    async () => (await run.ok(['get', 'deployment', 'web', '-o', 'jsonpath={.status.replicas}'])) === '3',
    20_000,
  );

  // Without its server the API is missing, and a namespace says so while it empties.
  await run.ok(['-n', 'kube-system', 'scale', 'deployment', 'adapter', '--replicas=0']);
  await run.ok(['wait', '--for=condition=Available=false', `apiservice/${name}`, '--timeout=20s']);
  const raw = await run.run(['get', '--raw', `${metric}/requests`]);
  expect(raw.stderr).toBe(
    'Error from server (ServiceUnavailable): the server is currently unable to handle the request\n',
  );
  await run.ok(['create', 'namespace', 'shop']);
  await run.ok(['-n', 'shop', 'create', 'configmap', 'prices']);
  await run.ok(['delete', 'namespace', 'shop', '--wait=false']);
  await run.ok(['wait', '--for=condition=NamespaceDeletionDiscoveryFailure', 'namespace/shop', '--timeout=10s']);
  await eventually(
    'an empty namespace',
    async () => !(await run.ok(['-n', 'shop', 'get', 'configmaps', '-o', 'name'])),
  );
  await run.ok(['delete', 'apiservice', name]);
  await run.ok(['wait', '--for=delete', 'namespace/shop', '--timeout=20s']);
  expect(await run.ok(['api-versions'])).not.toContain('custom.metrics.k8s.io');
});
