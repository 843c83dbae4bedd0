import { expect, test } from 'vitest';
import { createTestServer, podBody, type TestRequest } from '../testing';

const pods = '/api/v1/namespaces/default/pods';
const classes = '/apis/scheduling.k8s.io/v1/priorityclasses';

async function start() {
  const bed = await createTestServer();
  const refused = (path: string, body: unknown, request: TestRequest = {}, method = 'POST') =>
    bed.send(method, path, { body, ...request }).then(
      () => 'accepted',
      (error) => `${error.code} ${error.message}`,
    );
  const make = async (path: string, body: unknown) => (await bed.send('POST', path, { body })).body;
  return { ...bed, refused, make };
}

const limited = (name: string, resources: object) =>
  podBody(name, { containers: [{ name: 'c', image: 'busybox', resources }] });

const range = (...limits: object[]) => ({ metadata: { name: 'range' }, spec: { limits } });

test('gives containers the defaults of a LimitRange and says so', async () => {
  const { make } = await start();
  await make('/api/v1/namespaces/default/limitranges', {
    ...range({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '0.1' } }),
  });
  const pod = await make(pods, limited('plain', {}));
  expect(pod.spec.containers[0].resources).toEqual({
    requests: { cpu: '100m', memory: '1Gi' },
    limits: { cpu: '500m', memory: '1Gi' },
  });
  expect(pod.status.qosClass).toBe('Burstable');
  expect(pod.metadata.annotations['kubernetes.io/limit-ranger']).toBe(
    'LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c',
  );
  const own = await make(pods, limited('own', { requests: { cpu: '200m' }, limits: { memory: '64Mi' } }));
  expect(own.spec.containers[0].resources).toEqual({
    requests: { cpu: '200m', memory: '64Mi' },
    limits: { cpu: '500m', memory: '64Mi' },
  });
});

test('refuses what is outside a LimitRange, in the words of Kubernetes', async () => {
  const { make, refused } = await start();
  await make('/api/v1/namespaces/default/limitranges', {
    ...range(
      { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
      { type: 'Pod', max: { memory: '128Mi' } },
      { type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } },
    ),
  });
  const memory = { memory: '64Mi' };
  expect(await refused(pods, limited('low', { requests: { cpu: '50m' }, limits: { cpu: '100m', ...memory } }))).toBe(
    '403 pods "low" is forbidden: minimum cpu usage per Container is 100m, but request is 50m',
  );
  expect(await refused(pods, limited('high', { requests: { cpu: '1' }, limits: { cpu: '2', ...memory } }))).toBe(
    '403 pods "high" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
  );
  expect(await refused(pods, limited('wide', { requests: { cpu: '100m' }, limits: { cpu: '1', ...memory } }))).toBe(
    '403 pods "wide" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000',
  );
  expect(await refused(pods, limited('big', { limits: { cpu: '100m', memory: '1Gi' } }))).toBe(
    '403 pods "big" is forbidden: maximum memory usage per Pod is 128Mi, but limit is 1Gi',
  );
  expect(await refused(pods, limited('none', {}))).toBe(
    '403 pods "none" is forbidden: maximum memory usage per Pod is 128Mi.  No limit is specified',
  );
  expect(await refused(pods, limited('fits', { limits: { cpu: '100m', ...memory } }))).toBe('accepted');
  const claim = (storage: string) => ({
    metadata: { name: `claim-${storage.toLowerCase()}` },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
  });
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
  expect(await refused(claims, claim('4Gi'))).toContain(
    'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 4Gi',
  );
  expect(await refused(claims, claim('512Mi'))).toContain(
    'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi',
  );
  expect(await refused(claims, claim('1Gi'))).toBe('accepted');
});

test('leaves other namespaces alone, and forgets a LimitRange that is gone', async () => {
  const { make, send, refused } = await start();
  const ranges = '/api/v1/namespaces/default/limitranges';
  await make(ranges, range({ type: 'Container', min: { cpu: '1' } }));
  expect(await refused('/api/v1/namespaces/kube-system/pods', podBody('free'))).toBe('accepted');
  expect(await refused(pods, limited('low', { requests: { cpu: '50m' } }))).toContain('minimum cpu usage');
  await send('DELETE', `${ranges}/range`);
  expect(await refused(pods, limited('low', { requests: { cpu: '50m' } }))).toBe('accepted');
});

test('resolves the priority class of a pod', async () => {
  const { make, refused } = await start();
  await make(classes, { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' });
  const pod = await make(pods, podBody('important', { priorityClassName: 'high' }));
  expect(pod.spec).toMatchObject({ priority: 1000, preemptionPolicy: 'Never' });
  expect(await refused(pods, podBody('x', { priorityClassName: 'nope' }))).toBe(
    '403 pods "x" is forbidden: no PriorityClass with name nope was found',
  );
  expect(await refused(pods, podBody('x', { priorityClassName: 'high', priority: 5 }))).toBe(
    '403 pods "x" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name',
  );
  const critical = await make(pods, podBody('critical', { priorityClassName: 'system-node-critical' }));
  expect(critical.spec).toMatchObject({ priority: 2_000_001_000, preemptionPolicy: 'PreemptLowerPriority' });
  expect((await make(pods, podBody('plain'))).spec).toMatchObject({ priority: 0 });
});

test('knows one default priority class', async () => {
  const { make, refused, send } = await start();
  await make(classes, { metadata: { name: 'usual' }, value: 10, globalDefault: true });
  expect(await refused(classes, { metadata: { name: 'other' }, value: 20, globalDefault: true })).toBe(
    '403 priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
  );
  const pod = await make(pods, podBody('plain'));
  expect(pod.spec).toMatchObject({ priority: 10, priorityClassName: 'usual' });
  const again = structuredClone(pod);
  delete again.spec.priority;
  delete again.spec.preemptionPolicy;
  expect((await send('PUT', `${pods}/plain`, { body: again })).body.spec.priority).toBe(10);
});

test('gives claims the newest default storage class', async () => {
  const { make, clock } = await start();
  const storage = '/apis/storage.k8s.io/v1/storageclasses';
  const claim = (name: string, more: object = {}) => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
  });
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  expect((await make(claims, claim('early'))).spec.storageClassName).toBeUndefined();
  await make(storage, { metadata: { name: 'b-old', annotations }, provisioner: 'x/y' });
  await clock.advance(5000);
  await make(storage, { metadata: { name: 'c-new', annotations }, provisioner: 'x/y' });
  await make(storage, { metadata: { name: 'd-other' }, provisioner: 'x/y' });
  expect((await make(claims, claim('defaulted'))).spec.storageClassName).toBe('c-new');
  expect((await make(claims, claim('none', { storageClassName: '' }))).spec.storageClassName).toBe('');
});

test('lets claims grow only where their class does', async () => {
  const { make, send, refused } = await start();
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
  await make('/apis/storage.k8s.io/v1/storageclasses', { metadata: { name: 'fixed' }, provisioner: 'x/y' });
  await make('/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name: 'elastic' },
    provisioner: 'x/y',
    allowVolumeExpansion: true,
  });
  for (const storageClassName of ['fixed', 'elastic']) {
    const claim = await make(claims, {
      metadata: { name: storageClassName },
      spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const status = { phase: 'Bound', capacity: { storage: '1Gi' } };
    await send('PUT', `${claims}/${storageClassName}/status`, { body: { ...claim, status } });
  }
  const grow = (name: string) =>
    refused(
      `${claims}/${name}`,
      { spec: { resources: { requests: { storage: '2Gi' } } } },
      { contentType: 'application/merge-patch+json' },
      'PATCH',
    );
  expect(await grow('fixed')).toBe(
    '403 persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  );
  expect(await grow('elastic')).toBe('accepted');
});

test('applies a runtime class', async () => {
  const { make, refused } = await start();
  await make('/apis/node.k8s.io/v1/runtimeclasses', {
    metadata: { name: 'sandboxed' },
    handler: 'kata',
    overhead: { podFixed: { memory: '64Mi' } },
    scheduling: { nodeSelector: { kata: 'yes' }, tolerations: [{ key: 'kata', operator: 'Exists' }] },
  });
  const pod = await make(pods, podBody('boxed', { runtimeClassName: 'sandboxed', nodeSelector: { disk: 'ssd' } }));
  expect(pod.spec.overhead).toEqual({ memory: '64Mi' });
  expect(pod.spec.nodeSelector).toEqual({ disk: 'ssd', kata: 'yes' });
  expect(pod.spec.tolerations).toContainEqual({ key: 'kata', operator: 'Exists' });
  expect(await refused(pods, podBody('x', { runtimeClassName: 'nope' }))).toBe(
    '403 pods "x" is forbidden: pod rejected: RuntimeClass "nope" not found',
  );
  expect(await refused(pods, podBody('x', { runtimeClassName: 'sandboxed', nodeSelector: { kata: 'no' } }))).toBe(
    '403 pods "x" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no',
  );
  expect(await refused(pods, podBody('x', { overhead: { memory: '1Mi' } }))).toContain(
    'Pod Overhead set without corresponding RuntimeClass defined Overhead',
  );
});
