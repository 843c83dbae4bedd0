import { expect, test } from 'vitest';
import { createTestServer, deploymentBody, podBody } from '../testing';

const key = 'pod-security.kubernetes.io/';

async function start(labels: Record<string, string>) {
  const bed = await createTestServer();
  const named = Object.fromEntries(Object.entries(labels).map(([mode, value]) => [key + mode, value]));
  await bed.send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'safe', labels: named } } });
  const send = (method: string, path: string, body: unknown, contentType?: string) =>
    bed.send(method, path, { body, contentType }).then(
      ({ warnings }) => warnings,
      (error) => `${error.code} ${error.message}`,
    );
  return {
    create: (body: { kind: string }, namespace = 'safe') =>
      body.kind === 'Pod'
        ? send('POST', `/api/v1/namespaces/${namespace}/pods`, body)
        : send('POST', `/apis/apps/v1/namespaces/${namespace}/deployments`, body),
    label: (labels: Record<string, string>) =>
      send(
        'PATCH',
        '/api/v1/namespaces/safe',
        {
          metadata: { labels: Object.fromEntries(Object.entries(labels).map(([mode, value]) => [key + mode, value])) },
        },
        'application/merge-patch+json',
      ),
  };
}

const plainFaults =
  'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), ' +
  'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), ' +
  'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), ' +
  'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

const hardened = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      name: 'main',
      image: 'busybox',
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
};

test('enforces restricted and lets the hardened in', async () => {
  const { create } = await start({ enforce: 'restricted' });
  expect(await create(podBody('x'))).toBe(
    `403 pods "x" is forbidden: violates PodSecurity "restricted:latest": ${plainFaults}`,
  );
  expect(await create(podBody('ok', hardened))).toEqual([]);
  expect(await create(podBody('elsewhere'), 'default')).toEqual([]);
});

test.each([
  [{ hostNetwork: true, hostPID: true }, 'host namespaces (hostNetwork=true, hostPID=true)'],
  [{ volumes: [{ name: 'root', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "root")'],
  [
    { containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80, hostPort: 80 }] }] },
    'hostPort (container "main" uses hostPort 80)',
  ],
  [
    { containers: [{ name: 'main', image: 'x', securityContext: { privileged: true } }] },
    'privileged (container "main" must not set securityContext.privileged=true)',
  ],
  [
    { containers: [{ name: 'main', image: 'x', securityContext: { capabilities: { add: ['SYS_ADMIN', 'CHOWN'] } } }] },
    'non-default capabilities (container "main" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    { securityContext: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [{ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }, 'forbidden sysctls (kernel.msgmax)'],
  [
    { securityContext: { seLinuxOptions: { type: 'foo', user: 'u' } } },
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "foo"; user may not be set)',
  ],
  [
    { containers: [{ name: 'main', image: 'x', livenessProbe: { tcpSocket: { host: '10.0.0.1', port: 80 } } }] },
    'probe or lifecycle host (container "main" uses probe or lifecycle host "10.0.0.1")',
  ],
])('finds under baseline %o', async (spec, words) => {
  const { create } = await start({ enforce: 'baseline' });
  expect(await create(podBody('plain'))).toEqual([]);
  expect(await create(podBody('x', spec))).toBe(
    `403 pods "x" is forbidden: violates PodSecurity "baseline:latest": ${words}`,
  );
});

test('restricted takes the place of what baseline says of the same', async () => {
  const { create } = await start({ enforce: 'restricted' });
  const volumes = [{ name: 'root', hostPath: { path: '/' } }];
  const securityContext = { ...hardened.securityContext, runAsUser: 0 };
  expect(await create(podBody('x', { ...hardened, hostNetwork: true, securityContext, volumes }))).toBe(
    '403 pods "x" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), ' +
      'restricted volume types (volume "root" uses restricted volume type "hostPath"), runAsUser=0 (pod must not set runAsUser=0)',
  );
});

test('warns of pods and of what makes pods', async () => {
  const { create } = await start({ warn: 'restricted', 'warn-version': 'v1.30' });
  expect(await create(podBody('x'))).toEqual([`would violate PodSecurity "restricted:v1.30": ${plainFaults}`]);
  expect(await create(deploymentBody('web'))).toEqual([`would violate PodSecurity "restricted:v1.30": ${plainFaults}`]);
});

test('an enforced namespace takes a Deployment and refuses its pods', async () => {
  const { create } = await start({ enforce: 'restricted' });
  expect(await create(deploymentBody('web'))).toEqual([]);
});

test('labelling a namespace tells of pods that are there', async () => {
  const { create, label } = await start({});
  for (const name of ['a', 'b', 'c']) await create(podBody(name));
  await create(podBody('host', { hostNetwork: true }));
  expect(await label({ enforce: 'baseline' })).toEqual([
    'existing pods in namespace "safe" violate the new PodSecurity enforce level "baseline:latest"',
    'host: host namespaces',
  ]);
  const faults = 'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
  expect(await label({ enforce: 'restricted' })).toEqual([
    'existing pods in namespace "safe" violate the new PodSecurity enforce level "restricted:latest"',
    `a (and 2 other pods): ${faults}`,
    `host: host namespaces, ${faults}`,
  ]);
  expect(await label({ enforce: 'privileged' })).toEqual([]);
});

test('refuses labels that mean nothing', async () => {
  const { label } = await start({});
  expect(await label({ enforce: 'strict', 'warn-version': '1.2' })).toBe(
    '422 Namespace "safe" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, ' +
      'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"]',
  );
});

test('notes in the audit log which policy was enforced and what another would say', async () => {
  const bed = await createTestServer();
  const labels = { [`${key}enforce`]: 'baseline', [`${key}audit`]: 'restricted' };
  await bed.send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'safe', labels } } });
  const noted = async (path: string, body: object) => {
    const notes: Record<string, string> = {};
    const user = { name: 'jane', groups: ['system:masters'] };
    const annotate = (name: string, value: string) => void (notes[name] = value);
    await bed.server.handle({ method: 'POST', path, query: new URLSearchParams(), body, user, annotate });
    delete notes['authorization.k8s.io/decision'];
    return notes;
  };
  const complaint = `would violate PodSecurity "restricted:latest": ${plainFaults}`;
  expect(await noted('/api/v1/namespaces/safe/pods', podBody('p'))).toEqual({
    [`${key}enforce-policy`]: 'baseline:latest',
    [`${key}audit-violations`]: complaint,
  });
  expect(await noted('/api/v1/namespaces/safe/pods', podBody('ok', hardened))).toEqual({
    [`${key}enforce-policy`]: 'baseline:latest',
  });
  const { [`${key}audit-violations`]: ofTemplate } = await noted(
    '/apis/apps/v1/namespaces/safe/deployments',
    deploymentBody('d'),
  );
  expect(ofTemplate).toBe(complaint);
});
