import { request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ingress, Service } from '@shared/k8s';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { containersOf, docker, ensureBusybox } from '../support/docker';
import { containerIn, create, fromHost, isReady, podOf, podsOf, runIn, template, until, web } from '../support/in-pods';
import { ensureNodeImage } from '../support/node-image';

const timeout = 60_000;
const base = '/api/v1/namespaces/default';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';

let app: RunningApp;
let api: ApiClient;
let clusterId: string;
/** Debian, with perl and getent. */
let image: string;
/** Containers of busybox on the first and on the second node. */
let clients: [string, string];

const sh = (id: string, script: string) => runIn(id, ['sh', '-c', script]);
const containerOf = async (app: string) => containerIn(clusterId, (await podsOf(api, 'default', `app=${app}`))[0]!);
const on = (node: string) => ({ nodeSelector: { 'kubernetes.io/hostname': node } });
const idle = { command: ['sleep', '3600'] };
const patch = { 'content-type': 'application/merge-patch+json' };
const service = (name: string, spec: object) => create(api, `${base}/services`, { metadata: { name }, spec });
const toWeb = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] };
const allReady = async (app: string, count: number) =>
  (await podsOf(api, 'default', `app=${app}`)).filter(isReady).length === count;

/** Says a line every tenth of a second, a hundred times: longer than any change of rules takes. */
const slowly = 'for i in $(seq 100); do echo $i; sleep 0.1; done';
const slowPage = `mkdir -p /www/cgi-bin; printf '#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n"; ${slowly}' > /www/cgi-bin/slow; chmod +x /www/cgi-bin/slow`;
const echo = { command: ['nc', '-ll', '-p', '9000', '-e', 'cat'], ports: [{ containerPort: 9000 }] };

beforeAll(async () => {
  await ensureBusybox();
  image = await ensureNodeImage();
  const args = ['--runtime', 'docker', '--no-ui', '--nodes', '2', '--cluster-name', 'traffic'];
  app = await startApp({ args: [...args, '--http-port', '0', '--https-port', '0'] });
  api = await apiClient(app.kubeconfig);
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
  const routers = () => podsOf(api, 'kube-system', 'k8s-app=kube-proxy');
  await until(async () => (await routers()).filter(isReady).length === 2);
  const served = {
    ...web,
    command: ['sh', '-c', `${slowPage}; touch /tmp/ready; ${web.command[2]}`],
    // A busy machine may take its time for the command, which is no sign of anything.
    readinessProbe: {
      exec: { command: ['cat', '/tmp/ready'] },
      periodSeconds: 1,
      failureThreshold: 1,
      timeoutSeconds: 20,
    },
  };
  await create(api, deployments, {
    metadata: { name: 'web' },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template({ app: 'web' }, served) },
  });
  await service('web', { type: 'NodePort', ...toWeb });
  await create(api, `${base}/pods`, podOf('client-1', { app: 'client-1' }, idle, on('traffic')));
  await create(api, `${base}/pods`, podOf('client-2', { app: 'client-2' }, idle, on('traffic-2')));
  await create(api, `${base}/pods`, podOf('echo', { app: 'echo' }, echo, on('traffic-2')));
  await service('echo', { selector: { app: 'echo' }, ports: [{ port: 9000 }] });
  for (const [name, count] of Object.entries({ web: 3, 'client-1': 1, 'client-2': 1, echo: 1 }))
    await until(() => allReady(name, count));
  await until(async () => (await podsOf(api, 'kube-system', 'k8s-app')).every(isReady));
  clients = [await containerOf('client-1'), await containerOf('client-2')];
  for (const client of clients) await until(async () => (await sh(client, 'wget -qO- http://web')).startsWith('web-'));
}, 240_000);

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  if (clusterId) expect(await containersOf(clusterId)).toEqual([]);
}, 120_000);

describe('what services carry', () => {
  test('is spread evenly over endpoints', async () => {
    const count = 240;
    const script = `for i in $(seq ${count / 2}); do wget -qO- http://web; done`;
    const answers = (await Promise.all(clients.map((client) => sh(client, script)))).join('').trim().split('\n');
    const names = (await podsOf(api, 'default', 'app=web')).map(({ metadata }) => metadata.name);
    expect([answers.length, new Set(answers)]).toEqual([count, new Set(names)]);
    const each = count / 3;
    const deviations = names.map((name) => (answers.filter((one) => one === name).length - each) ** 2 / each);
    // Chi-squared with two degrees of freedom: chance alone gets there once in 10,000 times.
    expect(deviations.reduce((a, b) => a + b)).toBeLessThan(18.4);
  });

  test('goes to external addresses too, from pods that were there before the Service', async () => {
    await service('outside', { ...toWeb, externalIPs: ['198.51.100.7'] });
    for (const client of clients)
      await expect.poll(() => sh(client, 'wget -qO- http://198.51.100.7'), { timeout }).toMatch(/^web-/);
    await create(api, `${base}/pods`, podOf('later', { app: 'later' }, idle));
    await expect.poll(() => allReady('later', 1), { timeout }).toBe(true);
    expect(await sh(await containerOf('later'), 'wget -qO- http://198.51.100.7')).toMatch(/^web-/);
  });

  test('stays on the node where a policy says so, and is lost where there is no endpoint', async () => {
    await create(api, `${base}/pods`, podOf('near', { app: 'near' }, web, on('traffic-2')));
    const toNear = { selector: { app: 'near' }, ports: [{ port: 80, targetPort: 'http' }] };
    await service('inside', { ...toNear, internalTrafficPolicy: 'Local' });
    await service('balanced', {
      ...toNear,
      ports: [{ port: 18_081, targetPort: 'http' }],
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
    });
    const { spec } = (await api.call<Service>('GET', `${base}/services/balanced`)).body;
    const [{ nodePort } = {}] = spec!.ports!;
    const routers = await podsOf(api, 'kube-system', 'k8s-app=kube-proxy');
    const [far, near] = ['traffic', 'traffic-2'].map(
      (node) => routers.find((router) => router.spec!.nodeName === node)!.status!.podIP!,
    );
    const get = (id: string, url: string) => sh(id, `timeout 2 wget -qO- http://${url} 2>&1 || echo $?`);
    await expect.poll(() => get(clients[1], 'inside'), { timeout }).toBe('near\n');
    expect(await get(clients[0], 'inside')).toMatch(/^(Terminated\n)?143\n$/);
    for (const client of clients) {
      await expect.poll(() => get(client, `${near}:${nodePort}`), { timeout }).toBe('near\n');
      expect(await get(client, `${far}:${nodePort}`)).toMatch(/^(Terminated\n)?143\n$/);
      expect(await get(client, 'balanced:18081')).toBe('near\n');
      const check = (router: string) => get(client, `${router}:${spec!.healthCheckNodePort}/healthz`);
      const answer =
        '{"service":{"namespace":"default","name":"balanced"},"localEndpoints":1,"serviceProxyHealthy":true}';
      await expect.poll(() => check(near!), { timeout }).toBe(`${answer}\n`);
      expect(await check(far!)).toContain(' 503 ');
    }
    // This machine is both nodes.
    await expect.poll(() => fromHost(`http://127.0.0.1:${nodePort}`), { timeout }).toBe('near');
  });

  test('does not go to a pod that is not ready, a second after it said so', async () => {
    const [first] = await podsOf(api, 'default', 'app=web');
    const id = await containerIn(clusterId, first!);
    await sh(id, 'rm /tmp/ready');
    const path = `${base}/pods/${first!.metadata.name}`;
    await expect.poll(async () => isReady((await api.call('GET', path)).body), { timeout, interval: 20 }).toBe(false);
    await sleep(1000);
    const script = 'for i in $(seq 20); do wget -qO- http://web; done';
    const answers = (await Promise.all(clients.map((client) => sh(client, script)))).join('').trim().split('\n');
    expect(new Set(answers).size).toBe(2);
    expect(answers).not.toContain(first!.metadata.name);
    await sh(id, 'touch /tmp/ready');
    await expect.poll(() => allReady('web', 3), { timeout }).toBe(true);
  });

  test('goes on over open connections while rules, endpoints and ingresses change', { timeout: 120_000 }, async () => {
    await create(api, ingresses, {
      metadata: { name: 'web' },
      spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    });
    let port = 0;
    const findPort = async () => {
      const { status } = (await api.call<Ingress>('GET', `${ingresses}/web`)).body;
      return (port = status?.loadBalancer?.ingress?.[0]?.ports?.[0]?.port ?? 0);
    };
    await expect.poll(findPort, { timeout }).toBeGreaterThan(0);
    const { nodePort } = (await api.call<Service>('GET', `${base}/services/web`)).body.spec!.ports![0]!;
    const get = (at: number, path: string) =>
      new Promise<string>((resolve) => {
        const answered = (response: IncomingMessage) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('error', (error) => resolve(`${text}${error.message}`));
          response.on('end', () => resolve(text));
        };
        request({ host: '127.0.0.1', port: at, path, agent: false }, answered)
          .on('error', (error) => resolve(error.message))
          .end();
      });
    for (const at of [port, nodePort!]) await expect.poll(() => get(at, '/'), { timeout }).toMatch(/^web-/);

    let over = false;
    const throughIngress = get(port, '/cgi-bin/slow');
    const open = Promise.all([
      ...clients.map((client) => sh(client, `(${slowly}) | nc echo 9000`)),
      ...clients.map((client) => sh(client, 'wget -qO- http://web/cgi-bin/slow')),
      throughIngress,
      get(nodePort!, '/cgi-bin/slow'),
    ]).finally(() => (over = true));
    // The Service of some of them gets other endpoints, others come and go, nginx is reloaded each time.
    await api.call('PATCH', `${deployments}/web`, { spec: { replicas: 4 } }, patch);
    for (const name of ['a', 'b', 'c', 'd']) {
      await service(name, toWeb);
      const backend = { service: { name, port: { number: 80 } } };
      const paths = [{ path: '/', pathType: 'Prefix', backend }];
      await create(api, ingresses, {
        metadata: { name },
        spec: { rules: [{ host: `${name}.example`, http: { paths } }] },
      });
      await sleep(500);
      await api.call('PATCH', `${base}/services/${name}`, { spec: { selector: { app: 'echo' } } }, patch);
      await sleep(500);
      if (name < 'c') await api.call('DELETE', `${base}/services/${name}`);
    }
    expect(over).toBe(false);
    const whole = Array.from({ length: 100 }, (_, index) => index + 1).join(' ');
    expect((await open).map((text) => text.trim().split(/\s+/).join(' '))).toEqual(Array(6).fill(whole));
  });
});

describe('the names that a pod knows', () => {
  const zone = `use IO::Socket::INET; $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53) or die;
    while ($s->recv($m, 1500)) {
      ($name, $type) = unpack("x12 Z* n", $m);
      $known = $type == 1 && $name eq "\\x07printer\\x04corp\\x07example";
      $rest = substr($m, 12, length($name) + 5);
      $s->send(substr($m, 0, 2) . pack("n5", $known || $type != 1 ? 0x8180 : 0x8183, 1, $known ? 1 : 0, 0, 0) . $rest
        . ($known ? pack("n3 N n C4", 0xc00c, 1, 1, 60, 4, 203, 0, 113, 5) : ""));
    }`;
  const debian = (command: string[]) => ({ image, imagePullPolicy: 'Never', command });
  const getent = async (app: string, name: string) => runIn(await containerOf(app), ['getent', 'ahostsv4', name]);
  const resolvConf = async (app: string) => (await sh(await containerOf(app), 'cat /etc/resolv.conf')).trim();
  let upstream: string;

  beforeAll(async () => {
    await create(api, `${base}/pods`, podOf('upstream', { app: 'upstream' }, debian(['perl', '-e', zone])));
    await until(() => allReady('upstream', 1));
    upstream = (await podsOf(api, 'default', 'app=upstream'))[0]!.status!.podIP!;
    const options = [{ name: 'ndots', value: '2' }, { name: 'edns0' }];
    const policies = {
      none: { dnsPolicy: 'None', dnsConfig: { nameservers: [upstream], searches: ['corp.example'], options } },
      engine: { dnsPolicy: 'Default' },
      both: { dnsPolicy: 'ClusterFirst', dnsConfig: { searches: ['corp.example'], options } },
      hostnet: { dnsPolicy: 'ClusterFirstWithHostNet' },
    };
    for (const [name, spec] of Object.entries(policies))
      await create(api, `${base}/pods`, podOf(name, { app: name }, debian(['sleep', '3600']), spec));
    for (const name of Object.keys(policies)) await until(() => allReady(name, 1));
  }, 120_000);

  test('are those of its own servers alone, with dnsPolicy None', async () => {
    expect(await resolvConf('none')).toBe(`search corp.example\nnameserver ${upstream}\noptions ndots:2 edns0`);
    expect(await getent('none', 'printer')).toMatch(/^203\.0\.113\.5 /);
    expect(await getent('none', 'web.default.svc.cluster.local')).toBe('');
  });

  test('are those of the cluster and what it adds, with dnsConfig', async () => {
    const search = 'search default.svc.cluster.local svc.cluster.local cluster.local';
    expect(await resolvConf('both')).toBe(`${search} corp.example\nnameserver 10.96.0.10\noptions ndots:2 edns0`);
    expect(await resolvConf('hostnet')).toBe(`${search}\nnameserver 10.96.0.10\noptions ndots:5`);
    for (const app of ['both', 'hostnet']) expect(await getent(app, 'web')).toMatch(/^10\.96\./);
  });

  test('are those of the engine for all else, which the cluster passes on', async () => {
    const [network] = await docker.listNetworks({ filters: { label: [`gantry.dev/cluster=${clusterId}`] } });
    const other = await docker.createContainer({
      Image: 'busybox:1',
      Cmd: ['sleep', '3600'],
      Labels: { 'gantry.dev/cluster': clusterId },
      HostConfig: { NetworkMode: network!.Name },
      NetworkingConfig: { EndpointsConfig: { [network!.Name]: { Aliases: ['database.corp.example'] } } },
    });
    await other.start();
    const ip = (await other.inspect()).NetworkSettings.Networks[network!.Name]!.IPAddress;
    try {
      expect(await resolvConf('engine')).not.toContain('10.96.0.10');
      for (const app of ['engine', 'hostnet', 'both'])
        expect(await getent(app, 'database.corp.example')).toMatch(new RegExp(`^${ip} `));
      expect(await getent('both', 'database')).toMatch(new RegExp(`^${ip} `));
      expect(await getent('engine', 'web.default.svc.cluster.local')).toBe('');
    } finally {
      await other.remove({ force: true });
    }
  });
});
