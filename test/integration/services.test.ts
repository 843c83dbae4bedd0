import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointSlice, KubeList, Pod, Service } from '@shared/k8s';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { containersOf, docker, ensureBusybox } from '../support/docker';

/** Building the node image may take as long as Debian's mirror does. */
const imageMs = 110_000;
const timeout = 20_000;

let app: RunningApp;
let api: ApiClient;
let clusterId: string;
/** The container of the pod that asks. */
let client: string;

const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;

async function list(namespace: string, selector: string): Promise<Pod[]> {
  const query = `?labelSelector=${encodeURIComponent(selector)}`;
  return (await api.call<KubeList<Pod>>('GET', pods(namespace) + query)).body.items;
}

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

async function apply(path: string, body: object): Promise<void> {
  const { status, text } = await api.call('POST', path, body);
  if (status !== 201) throw new Error(text);
}

/** Runs a command in a container, through Docker and not through the app. */
async function inContainer(id: string, script: string): Promise<{ output: string; exitCode: number }> {
  const exec = await docker.getContainer(id).exec({ Cmd: ['sh', '-c', script], AttachStdout: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let output = '';
  for await (const chunk of stream) output += String(chunk);
  return { output: output.replaceAll('\r', ''), exitCode: (await exec.inspect()).ExitCode ?? -1 };
}

const containerOf = async (pod: Pod): Promise<string> => {
  const found = await containersOf(clusterId, { 'gantry.dev/pod-uid': pod.metadata.uid, 'gantry.dev/kind': 'app' });
  return found.find(({ State }) => State === 'running')!.Id;
};

const ask = async (script: string) => inContainer(client, script);
const get = (host: string, port = 80) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 ${host} ${port} | tail -n 1`;
/** Which pods answer `count` requests. */
const answers = async (host: string, count: number): Promise<Set<string>> =>
  new Set((await ask(`for i in $(seq ${count}); do ${get(host)}; echo; done`)).output.split('\n').filter(Boolean));

const webPod = {
  metadata: { labels: { app: 'web' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'web',
        image: 'busybox:1',
        command: [
          'sh',
          '-c',
          'mkdir -p /www; hostname > /www/index.html; touch /tmp/ready; exec httpd -f -p 8080 -h /www',
        ],
        readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 },
      },
    ],
  },
};

beforeAll(async () => {
  await ensureBusybox();
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
  api = await apiClient(app.kubeconfig);
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
}, imageMs);

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (!app) return;
  await deleteCluster(app.dataDirectory);
  expect(await containersOf(clusterId)).toEqual([]);
  const filters = { label: [`gantry.dev/cluster=${clusterId}`] };
  expect(await docker.listNetworks({ filters })).toEqual([]);
}, 60_000);

describe('services on a real engine', () => {
  test(
    'the add-ons of kube-system come up by themselves',
    async () => {
      await expect
        .poll(
          async () => (await list('kube-system', 'k8s-app')).filter(isReady).map(({ metadata }) => metadata.labels),
          {
            timeout: imageMs,
            interval: 250,
          },
        )
        .toEqual(
          expect.arrayContaining([
            expect.objectContaining({ 'k8s-app': 'kube-dns' }),
            expect.objectContaining({ 'k8s-app': 'kube-proxy' }),
          ]),
        );
      const dns = await api.call<Service>('GET', '/api/v1/namespaces/kube-system/services/kube-dns');
      expect(dns.body.spec).toMatchObject({ clusterIP: '10.96.0.10' });
    },
    imageMs,
  );

  test('a service answers by its name from all its endpoints', async () => {
    const labels = { app: 'web' };
    await apply('/apis/apps/v1/namespaces/default/deployments', {
      metadata: { name: 'web' },
      spec: { replicas: 2, selector: { matchLabels: labels }, template: webPod },
    });
    await apply('/api/v1/namespaces/default/services', {
      metadata: { name: 'web' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    });
    await apply(pods('default'), {
      metadata: { name: 'client', labels: { app: 'client' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', '3600'] }],
      },
    });
    await expect
      .poll(async () => (await list('default', 'app in (web,client)')).filter(isReady).length, { timeout })
      .toBe(3);
    client = await containerOf((await list('default', 'app=client'))[0]!);
    const names = (await list('default', 'app=web')).map(({ metadata }) => metadata.name);

    const { clusterIP } = (await api.call<Service>('GET', '/api/v1/namespaces/default/services/web')).body.spec!;
    await expect
      .poll(async () => (await ask('nslookup web.default.svc.cluster.local')).output, { timeout, interval: 500 })
      .toContain(`Address: ${clusterIP}`);
    await expect.poll(() => answers('web', 12), { timeout }).toEqual(new Set(names));
    expect(await answers(clusterIP!, 12)).toEqual(new Set(names));
  });

  test('the cluster DNS answers over UDP through its cluster address and knows what there is not', async () => {
    expect((await ask('nslookup web.default.svc.cluster.local 10.96.0.10')).output).toMatch(
      /Address: 10\.96\.\d+\.\d+/,
    );
    const unknown = await ask('nslookup nothing.default.svc.cluster.local 10.96.0.10');
    expect(unknown.output).toContain('NXDOMAIN');
    // Known, but without an IPv6 address: that is no error.
    expect((await ask('nslookup -type=aaaa web.default.svc.cluster.local 10.96.0.10')).output).not.toContain(
      'NXDOMAIN',
    );
  });

  test('an address without endpoints refuses at once', async () => {
    await apply('/api/v1/namespaces/default/services', {
      metadata: { name: 'empty' },
      spec: { selector: { app: 'nobody' }, ports: [{ port: 80 }] },
    });
    const { clusterIP } = (await api.call<Service>('GET', '/api/v1/namespaces/default/services/empty')).body.spec!;
    const from = Date.now();
    expect((await ask(`nc -w 10 ${clusterIP} 80 < /dev/null`)).output).toContain('Connection refused');
    expect(Date.now() - from).toBeLessThan(5000);
  });

  test('headless services lead to their pods', async () => {
    await apply('/api/v1/namespaces/default/services', {
      metadata: { name: 'members' },
      spec: { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 8080 }] },
    });
    const ips = (await list('default', 'app=web')).map(({ status }) => status!.podIP!);
    await expect
      .poll(async () => (await ask('nslookup members.default.svc.cluster.local 10.96.0.10')).output, { timeout })
      .toMatch(new RegExp(ips.map((ip) => `(?=[^]*Address: ${ip}\\n)`).join('')));
  });

  test('a pod that is not ready gets no traffic within a second', async () => {
    const [first, second] = await list('default', 'app=web');
    await inContainer(await containerOf(first!), 'rm /tmp/ready');
    const readySlice = async (): Promise<number> => {
      const path =
        '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=web';
      const { items } = (await api.call<KubeList<EndpointSlice>>('GET', path)).body;
      return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready).length;
    };
    await expect.poll(readySlice, { timeout, interval: 20 }).toBe(1);
    await sleep(1000);
    expect(await answers('web', 10)).toEqual(new Set([second!.metadata.name]));
    await inContainer(await containerOf(first!), 'touch /tmp/ready');
    await expect.poll(() => answers('web', 12), { timeout }).toHaveProperty('size', 2);
  });

  test('a router that is deleted comes back with its address and rules', async () => {
    const [router] = await list('kube-system', 'k8s-app=kube-proxy');
    await api.call('DELETE', `${pods('kube-system')}/${router!.metadata.name}`);
    const fresh = async () => (await list('kube-system', 'k8s-app=kube-proxy')).find(isReady);
    await expect
      .poll(async () => (await fresh())?.metadata.uid ?? router!.metadata.uid, { timeout })
      .not.toBe(router!.metadata.uid);
    expect((await fresh())!.status!.podIP).toBe(router!.status!.podIP);
    await expect.poll(() => answers('web', 12), { timeout }).toHaveProperty('size', 2);
  });

  test('services go on while the app is closed, and after it is back', async () => {
    await app.stop();
    expect(await answers('web', 12)).toHaveProperty('size', 2);
    expect((await ask('nslookup web.default.svc.cluster.local 10.96.0.10')).output).toMatch(/Address: 10\.96\./);
    api.close();
    app = await startApp({ dataDirectory: app.dataDirectory, args: ['--runtime', 'docker', '--no-ui'] });
    api = await apiClient(app.kubeconfig);
    expect(await answers('web', 12)).toHaveProperty('size', 2);
    await api.call('DELETE', '/apis/apps/v1/namespaces/default/deployments/web');
    await expect.poll(async () => (await ask(get('web'))).output, { timeout }).toContain('Connection refused');
  });
});
