import { expect, test } from 'vitest';
import { createTestServer, deploymentBody, podBody, type TestRequest } from '../testing';

const quotas = '/api/v1/namespaces/default/resourcequotas';
const pods = '/api/v1/namespaces/default/pods';
const services = '/api/v1/namespaces/default/services';

async function start(hard: Record<string, string>, more: object = {}) {
  const bed = await createTestServer();
  await bed.send('POST', quotas, { body: { metadata: { name: 'q' }, spec: { hard, ...more } } });
  const refused = (path: string, body: unknown, request: TestRequest = {}, method = 'POST') =>
    bed.send(method, path, { body, ...request }).then(
      () => 'accepted',
      (error) => `${error.code} ${error.message}`,
    );
  return { ...bed, refused };
}

const sized = (name: string, resources: object, more: object = {}) =>
  podBody(name, { containers: [{ name: 'c', image: 'busybox', resources }], ...more });

test('refuses the pod that is one too many, and lets it in once there is room', async () => {
  const { refused, send } = await start({ pods: '2' });
  expect(await refused(pods, podBody('one'))).toBe('accepted');
  expect(await refused(pods, podBody('two'))).toBe('accepted');
  const why = '403 pods "three" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2';
  expect(await refused(pods, podBody('three'))).toBe(why);
  expect(await refused('/api/v1/namespaces/kube-system/pods', podBody('three'))).toBe('accepted');
  await send('DELETE', `${pods}/one`);
  expect(await refused(pods, podBody('three'))).toBe('accepted');
});

test('gives the last place to one of those who ask at the same time', async () => {
  const { refused } = await start({ pods: '3' });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => refused(pods, podBody(`p${index}`))));
  expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(3);
});

test('keeps nothing for a dry run or for what failed', async () => {
  const { refused } = await start({ pods: '1' });
  expect(await refused(pods, podBody('dry'), { query: { dryRun: 'All' } })).toBe('accepted');
  expect(await refused(pods, podBody('one'))).toBe('accepted');
  expect(await refused(pods, podBody('dry'), { query: { dryRun: 'All' } })).toContain('exceeded quota');
});

test('a name that is taken costs nothing', async () => {
  const { refused } = await start({ pods: '2' });
  expect(await refused(pods, podBody('one'))).toBe('accepted');
  expect(await refused(pods, podBody('one'))).toContain('already exists');
  expect(await refused(pods, podBody('two'))).toBe('accepted');
});

test('counts pods that have ended no longer', async () => {
  const { refused, send } = await start({ pods: '1' });
  const { body } = await send('POST', pods, { body: podBody('one') });
  await send('PUT', `${pods}/one/status`, { body: { ...body, status: { ...body.status, phase: 'Succeeded' } } });
  expect(await refused(pods, podBody('two'))).toBe('accepted');
});

test('adds up CPU and memory, and asks for what is limited', async () => {
  const { refused } = await start({ 'requests.cpu': '1', memory: '256Mi', 'limits.cpu': '2' });
  expect(await refused(pods, podBody('silent'))).toBe(
    '403 pods "silent" is forbidden: failed quota: q: must specify limits.cpu for: main; memory for: main; requests.cpu for: main',
  );
  const small = { requests: { cpu: '400m', memory: '100Mi' }, limits: { cpu: '1' } };
  expect(await refused(pods, sized('a', small))).toBe('accepted');
  expect(await refused(pods, sized('b', small))).toBe('accepted');
  expect(await refused(pods, sized('c', small))).toBe(
    '403 pods "c" is forbidden: exceeded quota: q, requested: limits.cpu=1,memory=100Mi,requests.cpu=400m, used: limits.cpu=2,memory=200Mi,requests.cpu=800m, limited: limits.cpu=2,memory=256Mi,requests.cpu=1',
  );
});

test('counts only what is in its scope', async () => {
  const { refused } = await start({ pods: '0' }, { scopes: ['BestEffort'] });
  expect(await refused(pods, podBody('besteffort'))).toContain('exceeded quota');
  expect(await refused(pods, sized('burstable', { requests: { cpu: '1m' } }))).toBe('accepted');
  const priority = await start(
    { pods: '0' },
    {
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }],
      },
    },
  );
  expect(await priority.refused(pods, podBody('plain'))).toBe('accepted');
  expect(await priority.refused(pods, podBody('x', { priorityClassName: 'system-node-critical' }))).toContain(
    'exceeded quota',
  );
});

test('counts objects, storage and ports, also when they grow', async () => {
  const { refused } = await start({
    'count/deployments.apps': '1',
    configmaps: '1',
    'services.nodeports': '1',
    'requests.storage': '2Gi',
    'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
  });
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  expect(await refused(deployments, deploymentBody('a'))).toBe('accepted');
  expect(await refused(deployments, deploymentBody('b'))).toBe(
    '403 deployments.apps "b" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
  );
  const configMaps = '/api/v1/namespaces/default/configmaps';
  expect(await refused(configMaps, { metadata: { name: 'a' } })).toBe('accepted');
  expect(await refused(configMaps, { metadata: { name: 'b' } })).toContain('configmaps=1');
  const service = (name: string, type: string) => ({ metadata: { name }, spec: { type, ports: [{ port: 80 }] } });
  expect(await refused(services, service('a', 'NodePort'))).toBe('accepted');
  expect(await refused(services, service('b', 'ClusterIP'))).toBe('accepted');
  const merge = { contentType: 'application/merge-patch+json' };
  expect(await refused(`${services}/b`, { spec: { type: 'NodePort' } }, merge, 'PATCH')).toContain(
    'requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
  );
  expect(await refused(`${services}/b`, { metadata: { labels: { a: 'b' } } }, merge, 'PATCH')).toBe('accepted');
  const claim = (name: string, storage: string, storageClassName?: string) => ({
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName },
  });
  const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
  expect(await refused(claims, claim('a', '1500Mi'))).toBe('accepted');
  expect(await refused(claims, claim('b', '1Gi'))).toContain(
    'used: requests.storage=1500Mi, limited: requests.storage=2Gi',
  );
  expect(await refused(claims, claim('c', '1100Mi', 'gold'))).toContain(
    'gold.storageclass.storage.k8s.io/requests.storage',
  );
});

test('follows a quota that changes and one that goes', async () => {
  const { refused, send } = await start({ pods: '0' });
  expect(await refused(pods, podBody('one'))).toContain('exceeded quota');
  await send('PATCH', `${quotas}/q`, {
    body: { spec: { hard: { pods: '1' } } },
    contentType: 'application/merge-patch+json',
  });
  expect(await refused(pods, podBody('one'))).toBe('accepted');
  expect(await refused(pods, podBody('two'))).toContain('exceeded quota');
  await send('DELETE', `${quotas}/q`);
  expect(await refused(pods, podBody('two'))).toBe('accepted');
});
