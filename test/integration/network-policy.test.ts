import type { KubeList, NetworkPolicy, Node, Pod } from '@shared/k8s';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { containersOf, docker, ensureBusybox } from '../support/docker';

/** Building the node image may take as long as Debian's mirror does. */
const imageMs = 170_000;
const timeout = 60_000;

let app: RunningApp;
let api: ApiClient;
let clusterId: string;
let nodes: string[];

const core = (namespace: string, plural: string) => `/api/v1/namespaces/${namespace}/${plural}`;
const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';

async function apply(path: string, body: object, verb = 'POST'): Promise<void> {
  const { status, text } = await api.call(verb, path, body);
  if (status !== 201 && status !== 200) throw new Error(text);
}

const pod = async (name: string, namespace = 'default'): Promise<Pod> =>
  (await api.call<Pod>('GET', `${core(namespace, 'pods')}/${name}`)).body;
const isReady = (one: Pod): boolean =>
  one.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
const ready = (name: string, namespace = 'default') =>
  expect.poll(async () => isReady(await pod(name, namespace)), { timeout, interval: 100 }).toBe(true);

/** Answers HTTP on a port it calls `http`, and is asked by its kubelet whether it does. */
const server = (name: string, labels: Record<string, string>, node: string) => ({
  metadata: { name, labels },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'main',
        image: 'busybox:1',
        command: ['sh', '-c', `mkdir -p /www; echo ${name} > /www/index.html; exec httpd -f -p 8080 -h /www`],
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
      },
    ],
  },
});

const policy = (name: string, spec: object): Promise<void> => apply(policies, { metadata: { name }, spec });
const remove = (name: string) => api.call('DELETE', `${policies}/${name}`);

const containers = new Map<string, string>();
async function containerOf(name: string, namespace = 'default'): Promise<string> {
  const { uid } = (await pod(name, namespace)).metadata;
  const found = await containersOf(clusterId, { 'gantry.dev/pod-uid': uid, 'gantry.dev/kind': 'app' });
  const { Id: id } = found.find(({ State }) => State === 'running')!;
  containers.set(`${namespace}/${name}`, id);
  return id;
}

/** Runs a command in a pod's container, through Docker and not through the app. */
async function run(from: string, script: string): Promise<string> {
  const id = containers.get(from.includes('/') ? from : `default/${from}`)!;
  const exec = await docker.getContainer(id).exec({ Cmd: ['sh', '-c', script], AttachStdout: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let output = '';
  for await (const chunk of stream) output += String(chunk);
  return output.replaceAll('\r', '').trim();
}

/** Who answers at `host` or `host:port`, as `-` where nobody does. */
const get = (address: string): string => {
  const [host, port = '80'] = address.split(':');
  return `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 1 ${host} ${port} 2>/dev/null | tail -n 1`;
};
const ask = async (from: string, address: string): Promise<string> =>
  (await run(from, `${get(address)} | grep . || echo -`)).split('\n')[0]!;
const asks = (from: string[], url: string): Promise<string[]> => Promise.all(from.map((one) => ask(one, url)));
const becomes = (from: string[], url: () => string, answers: string[]) =>
  expect.poll(() => asks(from, url()), { timeout, interval: 50 }).toEqual(answers);

let webIp: string;
let service: string;
const direct = () => `${webIp}:8080`;
const throughService = () => service;
const clients = ['client', 'other', 'team/guest'];

beforeAll(async () => {
  await ensureBusybox();
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui', '--nodes', '2'] });
  api = await apiClient(app.kubeconfig);
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
}, 120_000);

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (!app) return;
  await deleteCluster(app.dataDirectory);
  expect(await containersOf(clusterId)).toEqual([]);
}, 180_000);

describe('network policies on a real engine', () => {
  const web = { podSelector: { matchLabels: { app: 'web' } } };

  test(
    'without any, everybody reaches everybody',
    async () => {
      const running = async (label: string): Promise<number> =>
        (
          await api.call<KubeList<Pod>>('GET', core('kube-system', `pods?labelSelector=k8s-app=${label}`))
        ).body.items.filter(isReady).length;
      await expect.poll(() => running('kube-proxy'), { timeout: imageMs, interval: 250 }).toBe(2);
      nodes = (await api.call<KubeList<Node>>('GET', '/api/v1/nodes')).body.items.map(({ metadata }) => metadata.name);
      await apply('/api/v1/namespaces', { metadata: { name: 'team', labels: { team: 'a' } } });
      await apply(core('default', 'services'), {
        metadata: { name: 'web' },
        spec: { clusterIP: '10.96.77.77', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
      });
      service = '10.96.77.77';
      await apply(core('default', 'pods'), server('web', { app: 'web' }, nodes[0]!));
      await apply(core('default', 'pods'), server('client', { app: 'client' }, nodes[0]!));
      await apply(core('default', 'pods'), server('other', { app: 'other' }, nodes[1]!));
      await apply(core('team', 'pods'), server('guest', { app: 'client' }, nodes[1]!));
      await expect.poll(() => running('kube-dns'), { timeout, interval: 250 }).toBeGreaterThan(0);
      for (const one of ['web', 'client', 'other', 'team/guest']) {
        const [name, namespace] = one.split('/').toReversed();
        await ready(name!, namespace);
        await containerOf(name!, namespace);
      }
      webIp = (await pod('web')).status!.podIP!;
      await becomes(clients, direct, ['web', 'web', 'web']);
      await becomes(clients, throughService, ['web', 'web', 'web']);
    },
    imageMs,
  );

  test('default deny closes pods, directly and through services, but not to their kubelet', async () => {
    await policy('deny', { podSelector: {}, policyTypes: ['Ingress'] });
    await becomes(clients, direct, ['-', '-', '-']);
    await becomes(clients, throughService, ['-', '-', '-']);
    await becomes(['web'], direct, ['web']);
    // A readiness probe or two later.
    await run('web', 'sleep 2');
    expect(isReady(await pod('web'))).toBe(true);
  }, 120_000);

  test('pods are let in by their labels and by those of their namespaces, and changes take effect at once', async () => {
    await policy('allow', { ...web, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }] });
    await becomes(clients, direct, ['web', '-', '-']);
    await becomes(clients, throughService, ['web', '-', '-']);

    const merge = (spec: object) => apply(`${policies}/allow`, { metadata: { name: 'allow' }, spec }, 'PUT');
    await merge({ ...web, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] }] });
    await becomes(clients, direct, ['-', '-', 'web']);
    await becomes(clients, throughService, ['-', '-', 'web']);

    const all = `${webIp.split('.').slice(0, 2).join('.')}.0.0/16`;
    const except = [`${(await pod('other')).status!.podIP}/32`];
    await merge({ ...web, ingress: [{ from: [{ ipBlock: { cidr: all, except } }], ports: [{ port: 'http' }] }] });
    await becomes(clients, direct, ['web', '-', 'web']);
    await becomes(clients, throughService, ['web', '-', 'web']);

    await merge({
      ...web,
      ingress: [
        {
          ports: [
            { port: 9000, endPort: 9100 },
            { protocol: 'UDP', port: 8080 },
          ],
        },
      ],
    });
    await becomes(clients, direct, ['-', '-', '-']);
    await merge({ ...web, ingress: [{ ports: [{ port: 8000, endPort: 8100 }] }] });
    await becomes(clients, direct, ['web', 'web', 'web']);
    await becomes(clients, throughService, ['web', 'web', 'web']);
    await remove('allow');
    await becomes(clients, throughService, ['-', '-', '-']);
  }, 180_000);

  test('what is closed stays closed while the app is stopped', async () => {
    await app.stop();
    api.close();
    expect(await asks(clients, direct())).toEqual(['-', '-', '-']);
    expect(await asks(clients, service)).toEqual(['-', '-', '-']);
    app = await startApp({
      dataDirectory: app.dataDirectory,
      args: ['--runtime', 'docker', '--no-ui', '--nodes', '2'],
    });
    api = await apiClient(app.kubeconfig);
    expect(await asks(clients, direct())).toEqual(['-', '-', '-']);
    await remove('deny');
    await becomes(clients, direct, ['web', 'web', 'web']);
    await becomes(clients, throughService, ['web', 'web', 'web']);
  }, 120_000);

  test('egress is held to where a service leads, names included', async () => {
    const dns = {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
          podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        },
      ],
      ports: [{ protocol: 'UDP', port: 53 }],
    };
    const client = { podSelector: { matchLabels: { app: 'client' } } };
    const name = () => 'web.default.svc.cluster.local';
    await policy('out', { ...client, policyTypes: ['Egress'], egress: [] });
    await becomes(['client', 'other'], direct, ['-', 'web']);
    await becomes(['client', 'other'], throughService, ['-', 'web']);
    const outTo = (egress: object[]) =>
      apply(
        `${policies}/out`,
        { metadata: { name: 'out' }, spec: { ...client, policyTypes: ['Egress'], egress } },
        'PUT',
      );
    await outTo([dns]);
    await expect
      .poll(() => run('client', `nslookup ${name()}`), { timeout, interval: 100 })
      .toContain('Address: 10.96.77.77');
    expect(await ask('client', service)).toBe('-');
    await outTo([dns, { to: [web], ports: [{ port: 'http' }] }]);
    await becomes(['client', 'other'], direct, ['web', 'web']);
    await becomes(['client', 'other'], name, ['web', 'web']);
    await remove('out');
  }, 180_000);

  test('a pod is held to policies before its first container starts', async () => {
    await policy('out', { podSelector: { matchLabels: { app: 'eager' } }, policyTypes: ['Ingress', 'Egress'] });
    const tries = [service, direct()].map((address) => `echo "got $(${get(address)})"`).join('; ');
    const first = `for i in 1 2 3; do ${tries}; done`;
    const eager = server('eager', { app: 'eager' }, nodes[1]!);
    eager.spec.containers[0]!.command = ['sh', '-c', `(${first}) > /tmp/log 2>&1; touch /tmp/done; exec sleep 1000`];
    Object.assign(eager.spec.containers[0]!, {
      readinessProbe: { exec: { command: ['cat', '/tmp/done'] }, periodSeconds: 1 },
    });
    await apply(core('default', 'pods'), eager);
    await ready('eager');
    await containerOf('eager');
    const log = await run('eager', "sed 's/ *$//' /tmp/log");
    expect(log.split('\n')).toEqual(Array(6).fill('got'));
    const { body } = await api.call<KubeList<NetworkPolicy>>('GET', policies);
    expect(body.items.map(({ metadata }) => metadata.name)).toEqual(['out']);
  }, 180_000);
});
