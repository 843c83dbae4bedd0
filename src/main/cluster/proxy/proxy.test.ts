import { PassThrough } from 'node:stream';
import type { ConfigMap, Deployment, Pod, Service } from '@shared/k8s';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../test/support/testbed';
import { createClient } from '../client/client';
import { resources } from '../client/resources';
import type { ExecOptions, ExecSession, KubeTransport } from '../client/transport';
import { silentLogger } from '../log';
import { createTaskList } from '../tasks';
import { createServiceProxy, type ServiceProxy } from './index';

let bed: Testbed;
let proxy: ServiceProxy | undefined;
/** What was run in routers, in order. */
let loads: { pod: string; command: string[]; text: string }[];
let refuse: string | undefined;
/** Ports of this machine that other programs have. */
const busy = new Set<number>();

function exec(options: ExecOptions): ExecSession {
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  let text = '';
  stdin.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const done = (async () => {
    if (options.stdin) for await (const _ of stdin);
    if (options.stdin) loads.push({ pod: options.pod, command: options.command!, text });
    stderr.end(refuse);
    await new Promise((resolve) => setImmediate(resolve));
    return { exitCode: refuse ? 1 : 0 };
  })();
  return { stdin, stdout: new PassThrough(), stderr, resize() {}, done, close() {} };
}

interface Engine {
  range?: string;
  build?: () => Promise<void>;
  image?: string;
}

async function start({ range = '172.18.0.0/17', build, image }: Engine = {}, nodes = ['one', 'two']) {
  const built = new Set<string>(image ? [image] : []);
  const transport: KubeTransport = Object.assign(Object.create(bed.client.transport), {
    exec: async (options: ExecOptions) => exec(options),
  });
  proxy = createServiceProxy({
    client: createClient(transport),
    informers: bed.informers,
    engine: {
      image: async (name) => (built.has(name) ? {} : undefined),
      buildImage: async (name) => {
        await build?.();
        built.add(name);
      },
      pullImage: async () => {},
      ensureNetwork: async () => ({ subnet: '172.18.0.0/16', gateway: '172.18.0.1', ...(range ? { range } : {}) }),
    },
    sandboxes: { list: async () => new Map(), script: async () => true },
    sandboxProgram: () => Buffer.from('program'),
    nodeImage: image,
    machine: { hasGateway: () => true, portInUse: async (port) => busy.has(port) },
    tasks: createTaskList(bed.clock),
    clock: bed.clock,
    log: silentLogger,
  });
  for (const name of nodes) await bed.client.create(resources.nodes, { metadata: { name } }).catch(() => {});
  await proxy.prepare(nodes);
  await proxy.start();
  await bed.advance(500);
  return proxy;
}

const system = 'kube-system';
const pod = (name: string) => bed.client.get<Pod>(resources.pods, system, name).catch(() => undefined);
const records = async () =>
  (await bed.client.get<ConfigMap>(resources.configMaps, system, 'kube-dns-records')).data!['cluster.local.zone']!;

/** Plays the kubelet for a router: its container runs. */
async function run(name: string, containerID: string): Promise<void> {
  const router = (await pod(name))!;
  await bed.client.updateStatus<Pod>(resources.pods, {
    ...router,
    status: {
      phase: 'Running',
      containerStatuses: [
        {
          name: 'kube-proxy',
          containerID,
          ready: true,
          restartCount: 0,
          image: '',
          imageID: '',
          state: { running: {} },
        },
      ],
    },
  });
  await bed.advance(500);
}

const web = {
  metadata: { namespace: 'default', name: 'web' },
  spec: { clusterIP: '10.96.0.77', ports: [{ port: 80 }] },
};

beforeEach(async () => {
  loads = [];
  refuse = undefined;
  bed = await startTestbed();
});
afterEach(async () => {
  await proxy?.stop();
  bed.stop();
});

it('brings up a router per node, each with an address of its own, and the DNS', async () => {
  await start();
  expect((await pod('kube-proxy-one'))!.metadata.annotations).toMatchObject({
    'gantry.dev/ipv4-address': '172.18.255.254',
  });
  const second = (await pod('kube-proxy-two'))!;
  expect(second.metadata.annotations).toMatchObject({ 'gantry.dev/ipv4-address': '172.18.255.253' });
  expect(second.spec).toMatchObject({
    nodeName: 'two',
    containers: [{ image: expect.stringMatching(/^gantry\/node:/) }],
  });
  const dns = await bed.client.get<Service>(resources.services, system, 'kube-dns');
  expect(dns.spec!.clusterIP).toBe('10.96.0.10');
  expect((await bed.client.get<Deployment>(resources.deployments, system, 'kube-dns')).spec!.replicas).toBe(1);
  expect(proxy!.routing('two')).toMatchObject({ routerIp: '172.18.255.253', clusterDns: ['10.96.0.10'] });
  expect(proxy!.routing('elsewhere')).toBeUndefined();
  expect(bed.problems).toEqual([]);
});

it('takes the address of the DNS but starts nothing while there is no image, and says why on the nodes', async () => {
  await start({
    build: async () => {
      throw new Error('pull access denied');
    },
  });
  expect((await bed.client.get<Service>(resources.services, system, 'kube-dns')).spec!.clusterIP).toBe('10.96.0.10');
  expect(await pod('kube-proxy-one')).toBeUndefined();
  expect(proxy!.routing('one')).toBeUndefined();
  const text = 'Services and cluster DNS wait for the node image, which could not be made: pull access denied';
  expect(await bed.events('one')).toEqual([`NodeImageBuildFailed: ${text}`]);
});

it('routes nothing in a network without room for routers', async () => {
  await start({ range: '' });
  expect(await pod('kube-proxy-one')).toBeUndefined();
  expect(proxy!.routing('one')).toBeUndefined();
});

it('brings back what was deleted and leaves the number of DNS servers to the user', async () => {
  await start();
  await bed.client.delete(resources.pods, system, 'kube-proxy-one', { gracePeriodSeconds: 0 });
  const current = await bed.client.get<Deployment>(resources.deployments, system, 'kube-dns');
  await bed.client.update(resources.deployments, { ...current, spec: { ...current.spec, replicas: 3 } });
  await bed.client.delete(resources.configMaps, system, 'kube-dns-records');
  await bed.advance(500);
  expect(await pod('kube-proxy-one')).toBeDefined();
  expect(await records()).toContain('kube-dns.kube-system.svc A 10.96.0.10');
  expect((await bed.client.get<Deployment>(resources.deployments, system, 'kube-dns')).spec!.replicas).toBe(3);
});

it('replaces what was made of another image', async () => {
  bed.play(() => false);
  await start({ image: 'old:1' });
  const before = (await pod('kube-proxy-one'))!;
  await proxy!.stop();
  await start({ image: 'new:1' });
  const after = (await pod('kube-proxy-one'))!;
  expect([before, after].map(({ spec }) => spec!.containers[0]!.image)).toEqual(['old:1', 'new:1']);
  const dns = await bed.client.get<Deployment>(resources.deployments, system, 'kube-dns');
  expect(dns.spec!.template.spec!.containers[0]!.image).toBe('new:1');
});

it('writes records as services come and go', async () => {
  await start();
  await bed.client.create(resources.services, web);
  await bed.advance(500);
  expect(await records()).toContain('web.default.svc A 10.96.0.77\n');
  await bed.client.delete(resources.services, 'default', 'web');
  await bed.advance(500);
  expect(await records()).not.toContain('web.default');
});

it('loads rules once per change into every router that runs, and again into a new container', async () => {
  await start();
  expect(loads).toEqual([]);
  await run('kube-proxy-one', 'docker://a');
  expect(loads.map(({ pod: name, command }) => [name, ...command])).toEqual([['kube-proxy-one', 'nft', '-f', '-']]);
  await run('kube-proxy-two', 'docker://b');
  expect(loads.map(({ pod: name }) => name)).toEqual(['kube-proxy-one', 'kube-proxy-two']);

  await bed.client.create(resources.services, web);
  await bed.client.create(resources.endpointSlices, {
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['172.18.0.5'], conditions: { ready: true } }],
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  });
  await bed.advance(500);
  const changed = loads.slice(2);
  expect(changed.map(({ pod: name }) => name)).toEqual(['kube-proxy-one', 'kube-proxy-two']);
  expect(changed[0]!.text).toContain('meta l4proto tcp dnat ip to 172.18.0.5:8080');

  await run('kube-proxy-two', 'docker://c');
  expect(loads.slice(4).map(({ pod: name }) => name)).toEqual(['kube-proxy-two']);
});

it('answers health checks of load balancers on every router, until nobody asks', async () => {
  await start();
  await run('kube-proxy-one', 'docker://a');
  await run('kube-proxy-two', 'docker://b');
  loads = [];
  const spec = { ...web.spec, type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 };
  await bed.client.create(resources.services, { ...web, spec });
  await bed.client.create(resources.endpointSlices, {
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['172.18.0.5'], nodeName: 'one', conditions: { ready: true } }],
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  });
  await bed.advance(500);
  const told = () => loads.splice(0).filter(({ command }) => command[0] === 'sh');
  const [one, two] = told();
  expect(one).toMatchObject({ pod: 'kube-proxy-one', text: expect.stringContaining('listen 31000;') });
  expect(one!.text).toContain(
    `return 200 '{"service":{"namespace":"default","name":"web"},"localEndpoints":1,"serviceProxyHealthy":true}`,
  );
  expect(two!.text).toContain(`return 503 '{"service":{"namespace":"default","name":"web"},"localEndpoints":0,`);
  await bed.advance(5000);
  expect(told()).toEqual([]);
  await bed.client.delete(resources.services, 'default', 'web');
  await bed.advance(500);
  expect(told().map(({ text }) => text)).toEqual(['', '']);
});

it('loads at most five times a second', async () => {
  await start({}, ['one']);
  await run('kube-proxy-one', 'docker://a');
  const before = loads.length;
  for (let index = 0; index < 20; index++) {
    const metadata = { namespace: 'default', name: `web-${index}`, labels: { 'kubernetes.io/service-name': 'web' } };
    const endpoints = [{ addresses: [`172.18.1.${index}`], conditions: { ready: true } }];
    if (index === 0) await bed.client.create(resources.services, web);
    const ports = [{ name: '', port: 80, protocol: 'TCP' }];
    await bed.client.create(resources.endpointSlices, { metadata, addressType: 'IPv4', endpoints, ports });
    await bed.clock.advance(50);
  }
  await bed.advance(500);
  expect(loads.length - before).toBeGreaterThanOrEqual(4);
  expect(loads.length - before).toBeLessThanOrEqual(7);
  expect(loads.at(-1)!.text).toContain('numgen random mod 20');
});

it('says on the router what it refused, and tries again', async () => {
  refuse = 'Error: syntax error';
  await start({}, ['one']);
  await run('kube-proxy-one', 'docker://a');
  expect((await bed.events('kube-proxy-one')).join()).toContain('FailedApplyRules: nft in kube-proxy-one ended with 1');
  refuse = undefined;
  const before = loads.length;
  await bed.advance(60_000);
  expect(loads.length).toBe(before + 1);
});
