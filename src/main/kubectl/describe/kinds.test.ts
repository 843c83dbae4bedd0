import { expect, it } from 'vitest';
import { podBody } from '../../cluster/apiserver/testing';
import { createTestKubectl } from '../testing';

/** Stores an object with its status and gives its description. */
async function described(path: string, name: string, object: object, status?: object): Promise<string> {
  const test = await createTestKubectl();
  return describeIn(test, path, name, object, status);
}

async function describeIn(
  { send, kubectl }: Awaited<ReturnType<typeof createTestKubectl>>,
  path: string,
  name: string,
  object: object,
  status?: object,
): Promise<string> {
  const body = { ...object, metadata: { name, ...(object as { metadata?: object }).metadata } };
  const made = await send('POST', path, { body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  if (status) {
    const set = await send('PUT', `${path}/${name}/status`, { body: { ...made.body, status } });
    expect(set.status, JSON.stringify(set.body)).toBe(200);
  }
  const { code, out, err } = await kubectl(`describe ${path.split('/').at(-1)} ${name}`);
  expect(code, err).toBe(0);
  return out;
}

const inDefault = (groupVersion: string, plural: string) =>
  `/${groupVersion.includes('/') ? 'apis' : 'api'}/${groupVersion}/namespaces/default/${plural}`;

it('tells of autoscalers what they look at and want', async () => {
  const out = await described(
    inDefault('autoscaling/v2', 'horizontalpodautoscalers'),
    'web',
    {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 2,
        maxReplicas: 5,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
      },
    },
    {
      currentReplicas: 2,
      desiredReplicas: 3,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12, averageValue: '6m' } } },
      ],
      conditions: [
        { type: 'AbleToScale', status: 'True', reason: 'ReadyForNewScale', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
    },
  );
  expect(out).toMatch(/^Reference: +Deployment\/web$/m);
  expect(out).toMatch(/^ {2}resource cpu on pods {2}\(as a percentage of request\): +12% \(6m\) \/ 60%$/m);
  expect(out).toMatch(/^ {2}resource memory on pods: +<unknown> \/ 1Gi$/m);
  expect(out).toMatch(/^Min replicas: +2\nMax replicas: +5$/m);
  expect(out).toMatch(/^ {2}Scale Down:\n {4}Stabilization Window: 60 seconds$/m);
  expect(out).toMatch(/^Deployment pods: +2 current \/ 3 desired$/m);
  expect(out).toMatch(/^ {2}AbleToScale +True +ReadyForNewScale/m);
});

it('tells of jobs and cron jobs', async () => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] } };
  const job = await described(
    inDefault('batch/v1', 'jobs'),
    'once',
    { spec: { template } },
    {
      startTime: '2026-01-01T00:00:00Z',
      active: 1,
      ready: 0,
    },
  );
  expect(job).toMatch(/^Parallelism: +1\nCompletions: +1\nCompletion Mode: +NonIndexed\n/m);
  expect(job).toMatch(/^Pods Statuses: +1 Active \(0 Ready\) \/ 0 Succeeded \/ 0 Failed\nPod Template:/m);
  const cron = await described(inDefault('batch/v1', 'cronjobs'), 'tick', {
    spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template } } },
  });
  expect(cron).toMatch(/^Schedule: +\*\/5 \* \* \* \*\nConcurrency Policy: +Allow\nSuspend: +False\n/m);
  expect(cron).toMatch(/^Successful Job History Limit: +3\nFailed Job History Limit: +1\n/m);
  expect(cron).toMatch(/^Last Schedule Time: +<unset>\nActive Jobs: +<none>\nEvents: +<none>\n$/m);
});

it('tells of budgets, quotas and limits', async () => {
  const budget = await described(
    inDefault('policy/v1', 'poddisruptionbudgets'),
    'web',
    { spec: { minAvailable: '50%', selector: { matchLabels: { app: 'web' } } } },
    { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 },
  );
  expect(budget).toBe(
    [
      'Name:           web',
      'Namespace:      default',
      'Min available:  50%',
      'Selector:       app=web',
      'Status:',
      '    Allowed disruptions:  1',
      '    Current:              3',
      '    Desired:              2',
      '    Total:                3',
      'Events:                   <none>\n',
    ].join('\n'),
  );
  const quota = await described(
    inDefault('v1', 'resourcequotas'),
    'small',
    { spec: { hard: { pods: '7' } } },
    { hard: { pods: '7' }, used: { pods: '2' } },
  );
  expect(quota).toBe(
    'Name:       small\nNamespace:  default\nResource    Used  Hard\n--------    ----  ----\npods        2     7\n',
  );
  const limits = await described(inDefault('v1', 'limitranges'), 'fair', {
    spec: { limits: [{ type: 'Container', default: { cpu: '1' }, max: { cpu: '2' } }] },
  });
  expect(limits).toMatch(/^Container +cpu +- +2 +1 +1 +-$/m);
});

it('tells of an ingress where it leads', async () => {
  const test = await createTestKubectl();
  await test.send('POST', inDefault('v1', 'services'), {
    body: { metadata: { name: 'web' }, spec: { ports: [{ name: 'http', port: 80 }] } },
  });
  await test.send('POST', inDefault('discovery.k8s.io/v1', 'endpointslices'), {
    body: {
      metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.0.9'] }],
      ports: [{ name: 'http', port: 8080 }],
    },
  });
  const backend = (name: string) => ({ service: { name, port: { number: 80 } } });
  const out = await describeIn(test, inDefault('networking.k8s.io/v1', 'ingresses'), 'site', {
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: ['a.example'], secretName: 'cert' }],
      rules: [
        {
          host: 'a.example',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: backend('web') },
              { path: '/no', pathType: 'Prefix', backend: backend('nobody') },
            ],
          },
        },
      ],
    },
  });
  expect(out).toMatch(/^Ingress Class: +nginx\nDefault backend: +<default>\nTLS:\n {2}cert terminates a\.example\n/m);
  expect(out).toMatch(/^ {2}a\.example +\n +\/ +web:80 \(10\.1\.0\.9:8080\)\n/m);
  expect(out).toMatch(/\/no +nobody:80 \(<error: services "nobody" not found>\)/);
});

it('tells of claims, volumes and classes', async () => {
  const test = await createTestKubectl();
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
  await test.send('POST', inDefault('v1', 'pods'), { body: podBody('user', { volumes }) });
  const claim = await describeIn(test, inDefault('v1', 'persistentvolumeclaims'), 'data', {
    spec: {
      storageClassName: 'standard',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
    },
  });
  expect(claim).toMatch(/^StorageClass: +standard\nStatus: +Pending\nVolume: *\n/m);
  expect(claim).toMatch(/^VolumeMode: +Filesystem\nUsed By: +user\nEvents: +<none>\n$/m);
  const volume = await described('/api/v1/persistentvolumes', 'disk', {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/disk' } },
  });
  expect(volume).toMatch(/^Reclaim Policy: +Retain\nAccess Modes: +RWO\nVolumeMode: +Filesystem\nCapacity: +1Gi\n/m);
  expect(volume).toMatch(/^Source:\n {4}Type: +HostPath \(bare host directory volume\)\n {4}Path: +\/disk\n/m);
  const storage = await described('/apis/storage.k8s.io/v1/storageclasses', 'fast', {
    metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'example.com/fast',
    parameters: { b: '2', a: '1' },
  });
  expect(storage).toMatch(/^IsDefaultClass: +Yes\n/m);
  expect(storage).toMatch(/^Parameters: +a=1,b=2\nAllowVolumeExpansion: +<unset>\nMountOptions: +<none>\n/m);
});

it('tells of roles and who has them', async () => {
  const rbac = 'rbac.authorization.k8s.io/v1';
  const role = await described(inDefault(rbac, 'roles'), 'reader', {
    rules: [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'list'] }],
  });
  expect(role).toMatch(/^ {2}deployments\.apps\/scale +\[\] +\[\] +\[get list\]\n/m);
  const binding = await described(inDefault(rbac, 'rolebindings'), 'readers', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
  });
  expect(binding).toMatch(/^Role:\n {2}Kind: +ClusterRole\n {2}Name: +view\nSubjects:\n/m);
  expect(binding).toMatch(/^ {2}User +jane +$/m);
});
