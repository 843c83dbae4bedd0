import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event, KubeList, Service } from '@shared/k8s';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { containersOf, ensureBusybox } from '../support/docker';
import {
  askApi,
  containerIn,
  create,
  dnsCount,
  fromHost,
  isReady,
  podOf,
  podsOf,
  runIn,
  template,
  udpAsk,
  udpEcho,
  until,
  web,
} from '../support/in-pods';

const timeout = 60_000;
const services = '/api/v1/namespaces/default/services';
const pods = '/api/v1/namespaces/default/pods';
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const deployments = '/apis/apps/v1/namespaces/default/deployments';

let app: RunningApp;
let api: ApiClient;
let clusterId: string;
/** Containers of two pods that ask: busybox on the second node, Debian with bash, perl and nginx on the first. */
let client: string;
let tool: string;

const ask = (script: string) => runIn(client, ['sh', '-c', script]);
const perl = (program: string, ...args: string[]) => runIn(tool, ['perl', '-e', program, ...args]);
/** Asks again when nobody answered, as resolvers do. */
const lookUp = (type: string, name: string) =>
  ask(
    `for i in 1 2 3; do a=$(nslookup -type=${type} ${name} 10.96.0.10 2>&1); case "$a" in *'timed out'*) ;; *) break ;; esac; done; echo "$a"`,
  );
const service = async (name: string) => (await api.call<Service>('GET', `${services}/${name}`)).body;
const times = async (count: number, task: () => Promise<string>): Promise<Map<string, number>> => {
  const counts = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const answer = await task();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return counts;
};

beforeAll(async () => {
  await ensureBusybox();
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui', '--nodes', '2', '--cluster-name', 'reach'] });
  api = await apiClient(app.kubeconfig);
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
  const routers = () => podsOf(api, 'kube-system', 'k8s-app=kube-proxy');
  await until(async () => (await routers()).filter(isReady).length === 2, 150_000);
  const image = (await routers())[0]!.spec!.containers[0]!.image!;
  const spread = { nodeSelector: { 'kubernetes.io/hostname': 'reach' } };
  const second = { nodeSelector: { 'kubernetes.io/hostname': 'reach-2' } };
  await create(api, deployments, {
    metadata: { name: 'web' },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template({ app: 'web' }, web) },
  });
  await create(api, pods, podOf('client', { app: 'client' }, { command: ['sleep', '3600'] }, second));
  const debian = { image, imagePullPolicy: 'Never' };
  await create(api, pods, podOf('tool', { app: 'tool' }, { ...debian, command: ['sleep', '3600'] }, spread));
  for (const name of ['one', 'two']) {
    const echo = { ...debian, command: ['perl', '-e', udpEcho, '7000', name] };
    await create(api, pods, podOf(`echo-${name}`, { app: 'echo' }, echo));
  }
  await create(api, services, {
    metadata: { name: 'web' },
    spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  });
  await create(api, services, {
    metadata: { name: 'echo' },
    spec: { selector: { app: 'echo' }, ports: [{ port: 7, targetPort: 7000, protocol: 'UDP' }] },
  });
  const all = () => podsOf(api, 'default', 'app');
  await until(async () => (await all()).filter(isReady).length === 7);
  const system = () => podsOf(api, 'kube-system', 'k8s-app');
  await until(async () => (await system()).every(isReady));
  client = await containerIn(clusterId, (await podsOf(api, 'default', 'app=client'))[0]!);
  tool = await containerIn(clusterId, (await podsOf(api, 'default', 'app=tool'))[0]!);
}, 300_000);

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  if (clusterId) expect(await containersOf(clusterId)).toEqual([]);
}, 120_000);

describe('services on two nodes', () => {
  test('open their node port on this machine and at the address of the node', async () => {
    const { nodePort } = (await service('web')).spec!.ports![0]!;
    await expect.poll(() => fromHost(`http://127.0.0.1:${nodePort}`), { timeout, interval: 250 }).toMatch(/^web-/);
    const { body: node } = await api.call('GET', '/api/v1/nodes/reach');
    const { address } = node.status.addresses.find((one: { type: string }) => one.type === 'InternalIP');
    expect(await ask(`wget -qO- http://${address}:${nodePort}`)).toMatch(/^web-/);
    expect((await times(20, () => fromHost(`http://127.0.0.1:${nodePort}`))).size).toBeGreaterThan(1);
  });

  test('balance load at an address people can open, and wait for a port that is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as { port: number };
    const spec = { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port, targetPort: 'http' }] };
    await create(api, services, { metadata: { name: 'balanced' }, spec });
    const events = async () =>
      (
        await api.call<KubeList<Event>>(
          'GET',
          '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=balanced',
        )
      ).body.items;
    await expect
      .poll(async () => (await events()).map(({ message }) => message).join(), { timeout })
      .toContain(`port ${port}/TCP of this machine is in use by another program`);
    expect((await service('balanced')).status!.loadBalancer).toEqual({});
    await new Promise((resolve) => squatter.close(resolve));
    await expect
      .poll(async () => (await service('balanced')).status!.loadBalancer!.ingress?.[0]?.ip, { timeout, interval: 250 })
      .toBe('127.0.0.1');
    expect(await fromHost(`http://127.0.0.1:${port}`)).toMatch(/^web-/);
  });

  test('keep a client at its endpoint when asked to', async () => {
    const spec = { sessionAffinity: 'ClientIP', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] };
    await create(api, services, { metadata: { name: 'sticky' }, spec });
    await expect.poll(() => ask('wget -qO- http://sticky'), { timeout }).toMatch(/^web-/);
    const answers = await ask('for i in $(seq 12); do wget -qO- http://sticky; done');
    expect(new Set(answers.trim().split('\n')).size).toBe(1);
  });

  test('carry UDP, and forget flows to endpoints that are gone', async () => {
    const address = `${(await service('echo')).spec!.clusterIP}:7`;
    const first = await perl(udpAsk, address, '5555');
    expect(first).toMatch(/^(one|two) hello$/);
    await api.call('DELETE', `${pods}/echo-${first.split(' ')[0]}`);
    // From the same port: without forgetting, the kernel would send it to who is gone.
    await expect
      .poll(() => perl(udpAsk, address, '5555'), { timeout })
      .toBe(first.startsWith('one') ? 'two hello' : 'one hello');
  });

  test('lead pods to the API, with their token and a certificate that they can check', async () => {
    expect(await runIn(tool, ['bash', '-c', askApi])).toContain('"kind":"APIVersions"');
    expect(await ask('echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT')).toBe('10.96.0.1:443\n');
  });

  test('lose no request of a rolling update when pods go on while they are taken out', async () => {
    const draining = { ...web, lifecycle: { preStop: { sleep: { seconds: 3 } } } };
    const version = (value: string) =>
      template(
        { app: 'roll' },
        { ...draining, env: [{ name: 'VERSION', value }] },
        { terminationGracePeriodSeconds: 10 },
      );
    const selector = { matchLabels: { app: 'roll' } };
    await create(api, deployments, {
      metadata: { name: 'roll' },
      spec: { replicas: 3, selector, template: version('1') },
    });
    const spec = { selector: { app: 'roll' }, ports: [{ port: 80, targetPort: 'http' }] };
    await create(api, services, { metadata: { name: 'roll' }, spec });
    const ready = async () => (await podsOf(api, 'default', 'app=roll')).filter(isReady);
    await expect.poll(async () => (await ready()).length, { timeout }).toBe(3);
    await expect.poll(() => ask('wget -qO- http://roll'), { timeout }).toMatch(/^roll-/);
    const before = (await ready()).map(({ metadata }) => metadata.name);
    const polling = ask('while [ ! -e /tmp/stop ]; do wget -qO- http://roll || echo FAILED; done');
    const patch = { 'content-type': 'application/merge-patch+json' };
    await api.call('PATCH', `${deployments}/roll`, { spec: { template: version('2') } }, patch);
    const left = async () =>
      (await podsOf(api, 'default', 'app=roll')).filter(({ metadata }) => before.includes(metadata.name));
    await expect.poll(async () => (await left()).length, { timeout: 120_000, interval: 500 }).toBe(0);
    await ask('touch /tmp/stop');
    const answers = (await polling).trim().split('\n');
    expect(answers.filter((one) => !one.startsWith('roll-'))).toEqual([]);
    expect(answers.some((one) => !before.includes(one))).toBe(true);
  }, 240_000);
});

describe('cluster DNS', () => {
  test('is what pods ask, with the search path of their namespace', async () => {
    const lines = [
      'search default.svc.cluster.local svc.cluster.local cluster.local',
      'nameserver 10.96.0.10',
      'options ndots:5',
    ];
    expect(await ask('cat /etc/resolv.conf')).toBe(`${lines.join('\n')}\n`);
    expect(await runIn(tool, ['getent', 'ahostsv4', 'web'])).toContain((await service('web')).spec!.clusterIP!);
  });

  test('knows ports, reverse names, other names of services, and pods', async () => {
    const { clusterIP } = (await service('web')).spec!;
    expect(await lookUp('srv', '_http._tcp.web.default.svc.cluster.local')).toContain(
      'service = 0 100 80 web.default.svc.cluster.local',
    );
    expect(await lookUp('ptr', `${clusterIP!.split('.').reverse().join('.')}.in-addr.arpa`)).toContain(
      'name = web.default.svc.cluster.local',
    );
    const spec = { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' };
    await create(api, services, { metadata: { name: 'alias' }, spec });
    await expect
      .poll(() => lookUp('a', 'alias.default.svc.cluster.local'), { timeout })
      .toMatch(new RegExp(`canonical name = web.default.svc.cluster.local\\n[^]*Address: ${clusterIP}`));
    const ip = (await podsOf(api, 'default', 'app=client'))[0]!.status!.podIP!;
    expect(await lookUp('a', `${ip.replaceAll('.', '-')}.default.pod.cluster.local`)).toContain(`Address: ${ip}`);
    expect(await lookUp('a', 'nothing.default.svc.cluster.local')).toContain('NXDOMAIN');
    expect(await lookUp('aaaa', 'web.default.svc.cluster.local')).not.toMatch(/NXDOMAIN|timed out|Address: .*::/);
  });

  test('answers with all members of a large headless service, over TCP where they do not fit', async () => {
    await create(api, services, { metadata: { name: 'many' }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } });
    const endpoints = Array.from({ length: 40 }, (_, index) => ({
      addresses: [`172.31.7.${index + 1}`],
      conditions: { ready: true },
      ...(index === 0 ? { hostname: 'many-0' } : {}),
    }));
    const metadata = { name: 'many-1', labels: { 'kubernetes.io/service-name': 'many' } };
    await create(api, slices, { metadata, addressType: 'IPv4', endpoints, ports: [{ name: '', port: 80 }] });
    await expect.poll(() => perl(dnsCount, 'tcp', 'many.default.svc.cluster.local'), { timeout }).toBe('whole 40');
    expect(await perl(dnsCount, 'udp', 'many.default.svc.cluster.local')).toMatch(/^cut /);
    expect(await lookUp('a', 'many-0.many.default.svc.cluster.local')).toContain('Address: 172.31.7.1');
  });
});

test('everything keeps answering while the app is stopped', async () => {
  const { nodePort } = (await service('web')).spec!.ports![0]!;
  const { port } = (await service('balanced')).spec!.ports![0]!;
  await app.stop();
  await sleep(500);
  expect(await fromHost(`http://127.0.0.1:${nodePort}`)).toMatch(/^web-/);
  expect(await fromHost(`http://127.0.0.1:${port}`)).toMatch(/^web-/);
  expect(await ask('wget -qO- http://web.default.svc.cluster.local')).toMatch(/^web-/);
  expect(await lookUp('srv', '_http._tcp.web.default.svc.cluster.local')).toContain('service = 0 100 80');
});
