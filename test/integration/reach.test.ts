import { execFileSync, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { containersOf, docker, ensureBusybox } from '../support/docker';
import { askApi, runIn, udpAsk, udpEcho } from '../support/in-pods';

/**
 * A machine without a route to the engine's networks, as with Docker Desktop, a rootless engine or one elsewhere:
 * the app runs in a network namespace of its own, where there is nothing but the loopback address.
 */
const alone = ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const possible = (() => {
  try {
    execFileSync(alone[0]!, [...alone.slice(1), 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
if (!possible) process.stderr.write('reach.test.ts: no network namespace can be made here: the tunnel is asked for\n');

const timeout = 60_000;
let app: RunningApp;
let clusterId: string;

/** A program where the app is; the bundled kubectl with `k`. */
const start = (command: string[]) => {
  const [program, ...args] = possible ? ['nsenter', '-t', String(app.pid), '-n', ...command] : command;
  return spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
};
const k = (...args: string[]) => [
  process.execPath,
  resolve('out/main/cli.js'),
  'kubectl',
  '--kubeconfig',
  app.kubeconfig,
  ...args,
];
function run(command: string[], input = ''): Promise<string> {
  return new Promise((done, reject) => {
    const child = start(command);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject).on('close', () => done(output));
    child.stdin.end(input);
  });
}
/** Asks as the app's machine would: the answer's text, or what went wrong. */
const ask = (url: string) =>
  run([
    process.execPath,
    '-e',
    `fetch(process.argv[1], { signal: AbortSignal.timeout(5000) }).then((r) => r.text()).catch((e) => 'failed: ' + (e.cause?.code ?? e.message)).then((t) => process.stdout.write(t.trim()))`,
    url,
  ]);

const probe = { periodSeconds: 1, timeoutSeconds: 2 };
const web = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'web',
        image: 'busybox:1',
        command: [
          'sh',
          '-c',
          'mkdir -p /www; echo hello > /www/index.html; dd if=/dev/zero of=/www/big bs=1M count=20; exec httpd -f -p 8080 -h /www',
        ],
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: { ...probe, httpGet: { port: 'http', path: '/' } },
        livenessProbe: { ...probe, tcpSocket: { port: 'http' } },
      },
      {
        name: 'sick',
        image: 'busybox:1',
        command: ['sleep', '3600'],
        readinessProbe: { ...probe, tcpSocket: { port: 9 } },
      },
    ],
  },
};
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, publishNotReadyAddresses: true, ports: [{ port: 80, targetPort: 'http' }] },
};

beforeAll(async () => {
  await ensureBusybox();
  const args = [
    '--runtime',
    'docker',
    '--no-ui',
    '--cluster-name',
    'alone',
    ...(possible ? [] : ['--reach', 'tunnel']),
  ];
  app = await startApp({ args, ...(possible ? { within: alone } : {}) });
  clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
  const system = () => run(k('get', 'pods', '-n', 'kube-system'));
  await vi.waitFor(async () => expect(await system()).toMatch(/kube-proxy.* 1\/1 /), {
    timeout: 150_000,
    interval: 500,
  });
}, 180_000);

afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  if (clusterId) expect(await containersOf(clusterId)).toEqual([]);
}, 120_000);

test('probes reach pods through the engine, and tell who is well from who is not', async () => {
  await run(k('apply', '-f', '-'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [web, service] }));
  const ready = () => run(k('get', 'pod', 'web', '-o', 'jsonpath={.status.containerStatuses[*].ready}'));
  await expect.poll(ready, { timeout, interval: 250 }).toBe('true false');
  await expect
    .poll(() => run(k('get', 'events')), { timeout })
    .toMatch(/Readiness probe failed: dial tcp [\d.]+:9: connect: connection refused/);
  if (!possible) return;
  expect(app.log()).toContain('pods are reached through the engine');
  const ip = await run(k('get', 'pod', 'web', '-o', 'jsonpath={.status.podIP}'));
  expect(await ask(`http://${ip}:8080/`)).toBe('failed: ENETUNREACH');
});

test('forwarded ports and the proxy of the API lead to pods and services', async () => {
  expect(await run(k('get', '--raw', '/api/v1/namespaces/default/services/web:80/proxy/'))).toBe('hello\n');
  expect(await run(k('get', '--raw', '/api/v1/namespaces/default/pods/web:8080/proxy/'))).toBe('hello\n');
  expect((await run(k('get', '--raw', '/api/v1/namespaces/default/services/web:80/proxy/big'))).length).toBe(20 << 20);
  const forward = start(k('port-forward', 'svc/web', ':80'));
  try {
    const line = await new Promise<string>((said) => forward.stdout.once('data', (chunk) => said(String(chunk))));
    const port = /127\.0\.0\.1:(\d+)/.exec(line)![1];
    expect(await Promise.all([1, 2, 3].map(() => ask(`http://127.0.0.1:${port}/`)))).toEqual([
      'hello',
      'hello',
      'hello',
    ]);
  } finally {
    forward.kill();
  }
});

test('ports of NodePorts are opened where the app is, and of no other', async () => {
  await run(k('patch', 'service', 'web', '-p', JSON.stringify({ spec: { type: 'NodePort' } })));
  const nodePort = await run(k('get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}'));
  await expect.poll(() => ask(`http://127.0.0.1:${nodePort}/`), { timeout, interval: 500 }).toBe('hello');
  await run(k('patch', 'service', 'web', '-p', JSON.stringify({ spec: { type: 'ClusterIP' } })));
  await expect
    .poll(() => ask(`http://127.0.0.1:${nodePort}/`), { timeout, interval: 500 })
    .toBe('failed: ECONNREFUSED');
});

test('the way is found again when it breaks off', async () => {
  const [router] = await containersOf(clusterId, { 'gantry.dev/container-name': 'kube-proxy' });
  const kill = 'kill -9 $(grep -l kube-tunnel /proc/[0-9]*/cmdline | cut -d/ -f3 | grep -vx $$)';
  await runIn(router!.Id, ['sh', '-c', kill]);
  await expect
    .poll(() => run(k('get', '--raw', '/api/v1/namespaces/default/pods/web:8080/proxy/')), { timeout })
    .toBe('hello\n');
});

test('pods reach the API, which is on a machine that their network knows nothing of', async () => {
  const image = await run(k('get', 'pods', '-n', 'kube-system', '-o', 'jsonpath={.items[0].spec.containers[0].image}'));
  const container = { name: 'tool', image, imagePullPolicy: 'Never', command: ['sleep', '3600'] };
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'tool', labels: { app: 'tool' } }, spec };
  await run(k('apply', '-f', '-'), JSON.stringify(pod));
  const running = async () => (await containersOf(clusterId, { 'gantry.dev/container-name': 'tool' }))[0]?.Id;
  await expect.poll(running, { timeout }).toBeTruthy();
  const id = (await running())!;
  await expect
    .poll(() => runIn(id, ['bash', '-c', askApi]), { timeout, interval: 500 })
    .toContain('"kind":"APIVersions"');
  for (let turn = 0; turn < 5; turn++)
    expect(await runIn(id, ['bash', '-c', askApi])).toContain('"kind":"APIVersions"');
});

test('ports of NodePorts carry UDP too', async () => {
  const id = (await containersOf(clusterId, { 'gantry.dev/container-name': 'tool' }))[0]!.Id;
  const exec = await docker.getContainer(id).exec({ Cmd: ['perl', '-e', udpEcho, '7000', 'tool'] });
  await exec.start({ Detach: true });
  const ports = [{ port: 7, targetPort: 7000, protocol: 'UDP' }];
  const spec = { type: 'NodePort', selector: { app: 'tool' }, ports };
  await run(k('apply', '-f', '-'), JSON.stringify({ ...service, metadata: { name: 'echo' }, spec }));
  const nodePort = await run(k('get', 'service', 'echo', '-o', 'jsonpath={.spec.ports[0].nodePort}'));
  await expect
    .poll(() => run(['perl', '-e', udpAsk, `127.0.0.1:${nodePort}`]), { timeout, interval: 500 })
    .toBe('tool hello');
});
