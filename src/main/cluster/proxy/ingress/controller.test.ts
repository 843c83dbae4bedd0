import { PassThrough } from 'node:stream';
import type { Deployment, Ingress, Pod } from '@shared/k8s';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { createClient } from '../../client/client';
import { resources } from '../../client/resources';
import type { ExecOptions, ExecSession, KubeTransport } from '../../client/transport';
import { silentLogger } from '../../log';
import { choosePort, refusedPorts } from './host-ports';
import { createIngressController, type IngressController } from './index';

const system = 'kube-system';
const name = 'ingress-nginx-controller';
let bed: Testbed;
let controller: IngressController | undefined;
/** What nginx was given, in order. */
let loads: string[];
/** Ports of the host that somebody else has. */
let taken: Set<number>;
/** nginx refuses the first line that holds this. */
let refuses: string | undefined;

/** Plays ingress-load: the archive is text with headers between. */
function exec(options: ExecOptions): ExecSession {
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  const done = (async () => {
    let archive = '';
    for await (const chunk of stdin) archive += String(chunk);
    const text = archive.slice(archive.indexOf('load_module'));
    const line = refuses === undefined ? -1 : text.split('\n').findIndex((one) => one.includes(refuses!));
    if (line < 0) loads.push(text);
    else stderr.write(`nginx: [emerg] no good in /run/ingress/${options.command![1]}/nginx.conf:${line + 1}\n`);
    stderr.end();
    await new Promise((resolve) => setImmediate(resolve));
    return { exitCode: line < 0 ? 0 : 3 };
  })();
  return { stdin, stdout: new PassThrough(), stderr, resize() {}, done, close() {} };
}

async function start(ports: { http?: number; https?: number } = {}): Promise<void> {
  const transport: KubeTransport = Object.assign(Object.create(bed.client.transport), {
    exec: async (options: ExecOptions) => exec(options),
  });
  const namespace = { metadata: { name: system } };
  await bed.client.create(resources.namespaces, namespace).catch(() => {});
  controller = createIngressController({
    client: createClient(transport),
    informers: bed.informers,
    image: () => 'gantry/node:1',
    ports,
    isPortFree: async (port) => !taken.has(port),
    clock: bed.clock,
    log: silentLogger,
  });
  await bed.informers.start();
  controller.start();
  await bed.advance(500);
}

const deployment = () => bed.client.get<Deployment>(resources.deployments, system, name).catch(() => undefined);
const hostPorts = async () =>
  (await deployment())?.spec?.template.spec?.containers[0]?.ports?.map(({ hostPort }) => hostPort);
const get = (ingress: string) => bed.client.get<Ingress>(resources.ingresses, 'default', ingress);

const ingress = (of: string, path = '/', spec: object = {}, annotations = {}) => ({
  metadata: { namespace: 'default', name: of, annotations },
  spec: {
    rules: [
      {
        host: `${of}.example`,
        http: {
          paths: [
            { path, pathType: 'ImplementationSpecific', backend: { service: { name: 'web', port: { number: 80 } } } },
          ],
        },
      },
    ],
    ...spec,
  },
});
const create = async (object: object): Promise<void> => {
  await bed.client.create(resources.ingresses, object);
  await bed.advance(500);
};

/** Keys are made and streams read at their own pace, which no clock of ours moves. */
async function loaded(text: string): Promise<void> {
  await vi.waitFor(
    async () => {
      await bed.advance(250);
      expect(loads.at(-1) ?? '').toContain(text);
    },
    { timeout: 8000, interval: 5 },
  );
}

/** Plays the kubelet for the controller's pod. */
async function run(): Promise<void> {
  const { items } = await bed.client.list<Pod>(resources.pods, system);
  const pod = items.find(({ metadata }) => metadata.name.startsWith(name))!;
  const state = { running: {} };
  const status = {
    name: 'controller',
    containerID: 'docker://one',
    ready: true,
    restartCount: 0,
    image: '',
    imageID: '',
    state,
  };
  await bed.client.updateStatus(resources.pods, { ...pod, status: { phase: 'Running', containerStatuses: [status] } });
  await bed.advance(1500);
  await loaded('web.example');
}

beforeEach(async () => {
  loads = [];
  taken = new Set();
  refuses = undefined;
  bed = await startTestbed();
});
afterEach(async () => {
  await controller?.stop();
  bed.stop();
});

it('brings its class, the default one, and starts nothing before there is an ingress of it', async () => {
  await start();
  const shipped = await bed.client.get(resources.ingressClasses, undefined, 'nginx');
  expect(shipped).toMatchObject({
    metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'gantry.dev/ingress-nginx' },
  });
  await create(ingress('other', '/', { ingressClassName: 'traefik' }));
  expect(await deployment()).toBeUndefined();
  await create(ingress('web'));
  expect(await hostPorts()).toEqual([80, 443]);
  await run();
  expect(loads.at(-1)).toContain('"web.example"');
  expect(loads.at(-1)).not.toContain('other.example');
  const ports = [
    { port: 80, protocol: 'TCP' },
    { port: 443, protocol: 'TCP' },
  ];
  await bed.settle();
  expect((await get('web')).status?.loadBalancer?.ingress).toEqual([{ ip: '127.0.0.1', ports }]);
  expect((await get('other')).status?.loadBalancer).toEqual({});
});

it('loads what changes and nothing else', async () => {
  await start();
  await create(ingress('web'));
  await run();
  const count = loads.length;
  await bed.advance(10_000);
  expect(loads).toHaveLength(count);
  await bed.client.delete(resources.ingresses, 'default', 'web');
  await loaded('server_name _');
  await vi.waitFor(() => expect(loads).toHaveLength(count + 1));
  expect(loads.at(-1)).not.toContain('web.example');
});

it('leaves out the ingress that nginx refuses, says so to its owner, and takes it when it is better', async () => {
  await start();
  await create(ingress('web'));
  await run();
  refuses = '"^/broken';
  const regex = { 'nginx.ingress.kubernetes.io/use-regex': 'true' };
  await create(ingress('bad', '/broken', {}, regex));
  await create(ingress('later'));
  await loaded('later.example');
  expect(loads.at(-1)).not.toContain('bad.example');
  expect(await bed.events('bad')).toEqual(['Rejected: nginx does not take it, and it is not served: no good']);
  expect((await get('bad')).status?.loadBalancer).toEqual({});
  await bed.edit<Ingress>(resources.ingresses, 'bad', (draft) => {
    draft.spec!.rules![0]!.http!.paths[0]!.path = '/fine';
  });
  await loaded('bad.example');
});

it('takes other ports where the usual or the wanted ones are taken', async () => {
  taken = new Set([80, 443, 8080, 9443]);
  await start({ https: 9443 });
  await create(ingress('web'));
  expect(await hostPorts()).toEqual([8081, 8443]);
});

it('takes other ports when the engine cannot publish these', async () => {
  await start();
  await create(ingress('web'));
  const { items } = await bed.client.list<Pod>(resources.pods, system);
  const pod = items.find(({ metadata }) => metadata.name.startsWith(name))!;
  await bed.client.create(resources.events, {
    metadata: { namespace: system, name: 'one' },
    involvedObject: { kind: 'Pod', namespace: system, name: pod.metadata.name },
    reason: 'FailedCreatePodSandBox',
    message: 'Failed to create pod sandbox: Bind for 127.0.0.1:80 failed: port is already allocated',
  } as never);
  await bed.advance(2500);
  expect(await hostPorts()).toEqual([8080, 443]);
});

it('reads from an engine which port it could not have', () => {
  const ports = { http: 80, https: 443 };
  expect(refusedPorts('listen tcp4 127.0.0.1:443: bind: address already in use', ports)).toEqual([443]);
  expect(refusedPorts('Ports are not available: exposing port TCP 127.0.0.1:8080', ports)).toEqual([80, 443]);
  expect(refusedPorts('no such image', ports)).toEqual([]);
});

it('asks for any port when that is wanted', async () => {
  expect(
    await choosePort(
      'http',
      0,
      new Set(),
      async () => true,
      () => 0.5,
    ),
  ).toBe(25_000);
  expect(await choosePort('http', undefined, new Set(), async () => false)).toBeUndefined();
});
