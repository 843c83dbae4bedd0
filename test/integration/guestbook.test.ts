import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Ingress, KubeList, Pod } from '@shared/k8s';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../support/app';
import { containersOf, docker, ensureBusybox } from '../support/docker';
import { isReady, podsOf } from '../support/in-pods';
import { kubectl, kubectls, type Kubectl } from '../support/kubectl';
import { ensureNodeImage } from '../support/node-image';

/** The example that people are given: front end, API, a database with a claim, an Ingress with TLS. */
const file = resolve('docs/examples/guestbook.yaml');
const host = 'guestbook.localhost';
const args = ['--runtime', 'docker', '--no-ui', '--nodes', '2', '--http-port', '0', '--https-port', '0'];
const patience = { timeout: 90_000, interval: 250 };

let app: RunningApp;
let api: ApiClient;
let home: string;
let cli: Kubectl;
let clusterId: string;
/** The certificate of the example's Secret, which is all that the client trusts. */
let ca: string;
let port: number;

async function start(dataDirectory?: string): Promise<void> {
  app = await startApp({ args, dataDirectory });
  api = await apiClient(app.kubeconfig);
  cli = kubectl(kubectls.at(-1)!.binary, app.kubeconfig, home);
}

/** What a browser that checks the certificate gets; what went wrong instead of an answer. */
function ask(path: string, form?: string, more: RequestOptions = {}): Promise<string> {
  const headers = { host, ...(form ? { 'content-length': Buffer.byteLength(form) } : {}) };
  const method = form ? 'POST' : 'GET';
  return new Promise((done) => {
    const options = { host: '127.0.0.1', port, path, method, headers, servername: host, ca, agent: false as const };
    const outgoing = request({ ...options, ...more }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => done(response.statusCode === 200 ? text.trim() : `status ${response.statusCode}`));
    });
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => done(`failed: ${error.code ?? error.message}`));
    outgoing.end(form);
  });
}
const sign = (message: string) => ask('/cgi-bin/sign', `message=${encodeURIComponent(message)}`);
const messages = () => ask('/cgi-bin/messages');
const page = () => ask('/');

/** Waits until all pods of the example and of the system are ready, with none of these containers. */
async function settled(without: string[] = []): Promise<void> {
  const isOld = ({ status }: Pod): boolean =>
    status?.containerStatuses?.some(({ containerID }) => without.some((id) => containerID?.endsWith(id))) ?? false;
  await expect
    .poll(async () => {
      const all = [...(await podsOf(api, 'guestbook', '')), ...(await podsOf(api, 'kube-system', ''))];
      return all.filter((pod) => !isReady(pod) || isOld(pod)).map(({ metadata }) => metadata.name);
    }, patience)
    .toEqual([]);
}

beforeAll(async () => {
  await ensureBusybox();
  await ensureNodeImage();
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  const documents = parseAllDocuments(await readFile(file, 'utf8')).map((one) => one.toJS());
  ca = documents.find(({ kind }) => kind === 'Secret').stringData['tls.crt'];
  await start();
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
}, 180_000);

afterAll(async () => {
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
  if (!clusterId) return;
  const filters = { label: [`gantry.dev/cluster=${clusterId}`] };
  expect(await containersOf(clusterId)).toEqual([]);
  expect(await docker.listNetworks({ filters })).toEqual([]);
  expect((await docker.listVolumes({ filters })).Volumes ?? []).toEqual([]);
}, 120_000);

test('the guest book comes up from its one file', { timeout: 240_000 }, async () => {
  await cli.ok(['apply', '-f', file]);
  const ingress = '/apis/networking.k8s.io/v1/namespaces/guestbook/ingresses/guestbook';
  await expect
    .poll(async () => {
      const [entry] = (await api.call<Ingress>('GET', ingress)).body.status?.loadBalancer?.ingress ?? [];
      port = entry?.ports?.[1]?.port ?? 0;
      return port;
    }, patience)
    .toBeGreaterThan(0);
  for (const workload of ['deployment/frontend', 'deployment/api', 'statefulset/database'])
    await cli.ok(['-n', 'guestbook', 'rollout', 'status', workload, '--timeout=120s']);
  const nodes = (await podsOf(api, 'guestbook', '')).map(({ spec }) => spec?.nodeName);
  expect([nodes.length, new Set(nodes).size]).toEqual([6, 2]);

  // The Ingress hears of endpoints a moment after the pods are ready, of each Service by itself.
  await expect.poll(page, patience).toContain('<h1>Guest book</h1>');
  await expect.poll(messages, patience).toBe('');
  expect(await sign('hello & <welcome>')).toBe('status 303');
  expect(await messages()).toBe('hello & <welcome>');
  expect(await page()).toContain('<li>hello &amp; &lt;welcome&gt;</li>');
  // The name that the client asks for decides which certificate it is shown.
  expect(await ask('/', undefined, { servername: 'other.localhost' })).toMatch(/^failed: /);
});

test('it survives that every container is killed once', { timeout: 240_000 }, async () => {
  await settled();
  for (const kind of ['app', 'sandbox']) {
    const of = async (one: string) =>
      (await containersOf(clusterId, { 'gantry.dev/kind': one }))
        .filter(({ State }) => State === 'running')
        .map(({ Id }) => Id);
    const apps = await of('app');
    const killed = await of(kind);
    expect(killed.length).toBe(10);
    // Some of these end with another one of their pod.
    await Promise.all(
      killed.map((id) =>
        docker
          .getContainer(id)
          .kill()
          .catch(() => {}),
      ),
    );
    // Containers are nothing without their sandbox: all are new.
    await settled(apps);
    await expect.poll(messages, patience).toBe('hello & <welcome>');
    await expect.poll(page, patience).toContain('<li>hello &amp; &lt;welcome&gt;</li>');
  }
  expect(await sign('after')).toBe('status 303');
});

test('it goes on while the app is stopped, and after it is back', { timeout: 180_000 }, async () => {
  const both = 'hello & <welcome>\nafter';
  const before = (await podsOf(api, 'guestbook', '')).map(({ metadata }) => metadata.uid).sort();
  api.close();
  await app.stop();
  expect(await messages()).toBe(both);
  expect(await sign('while the app is away')).toBe('status 303');
  expect(await page()).toContain('<li>while the app is away</li>');
  await start(app.dataDirectory);
  await settled();
  expect((await podsOf(api, 'guestbook', '')).map(({ metadata }) => metadata.uid).sort()).toEqual(before);
  expect(await messages()).toBe(`${both}\nwhile the app is away`);
});

test('deleting its file leaves nothing of it', { timeout: 180_000 }, async () => {
  await cli.ok(['delete', '-f', file, '--timeout=120s']);
  expect((await api.call('GET', '/api/v1/namespaces/guestbook')).status).toBe(404);
  const volumes = async () => (await api.call<KubeList>('GET', '/api/v1/persistentvolumes')).body.items;
  await expect.poll(volumes, patience).toEqual([]);
  expect(await containersOf(clusterId, { 'gantry.dev/pod-namespace': 'guestbook' })).toEqual([]);
  const claimed = { label: [`gantry.dev/cluster=${clusterId}`], name: ['gantry-pvc-'] };
  expect((await docker.listVolumes({ filters: claimed })).Volumes ?? []).toEqual([]);
  await expect.poll(() => messages(), patience).toMatch(/^failed: /);
});
