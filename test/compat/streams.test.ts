import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { spawn as spawnTerminal } from 'node-pty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';

/** 1.20 speaks SPDY only; 1.32 and 1.36 WebSocket, and SPDY when they are told to. */
const speakers: { name: string; binary: string; env: Record<string, string> }[] = [
  { name: 'kubectl 1.20', binary: resolve('.cache/kubectl/bookworm/kubectl'), env: {} },
  ...kubectls.map(({ suite, binary }) => ({ name: `kubectl of Debian ${suite}`, binary, env: {} })),
  {
    name: 'kubectl of Debian sid over SPDY',
    binary: kubectls.at(-1)!.binary,
    env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' },
  },
];

const pods = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: gantry-test/web:v1
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http }]
---
apiVersion: v1
kind: Pod
metadata: { name: box }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: box
      image: busybox:1
      stdin: true
      tty: false
      command: [sh, -c, 'nc -ll -p 9000 -e cat & while read line; do echo "got $line"; done; sleep 1000']
`;

const size = 10 * 1024 * 1024;
const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');

let app: RunningApp;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
  const k = kubectl(kubectls[0]!.binary, app.kubeconfig, home);
  await eventually('the node is Ready', async () => (await k.ok(['get', 'nodes', '--no-headers'])).includes(' Ready '));
  await k.ok(['apply', '-f', '-'], pods);
  await k.ok(['rollout', 'status', 'deployment/web', '--timeout=90s']);
  await k.ok(['wait', '--for=condition=Ready', 'pod/box', '--timeout=60s']);
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

describe.each(speakers)('$name', ({ binary, env }) => {
  let k: Kubectl;
  beforeAll(() => {
    k = kubectl(binary, app.kubeconfig, home, env);
  });

  /** Runs a command and gives its output as bytes. */
  async function bytes(args: string[], input: Buffer): Promise<{ out: Buffer; code: number }> {
    const child = k.start(args);
    const code = new Promise<number>((done) => child.on('close', (value) => done(value ?? -1)));
    child.stdin.end(input);
    return { out: await buffer(child.stdout), code: await code };
  }

  /** Forwards a port to any free one while `use` runs. */
  async function forwarding<T>(target: string, port: string, use: (port: number, log: () => string) => Promise<T>) {
    const child = k.start(['port-forward', '--address', '127.0.0.1', target, `:${port}`]);
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const exit = new Promise((done) => child.on('close', done));
    try {
      const local = await eventually(
        `${target} is forwarded: ${log}`,
        async () => /127\.0\.0\.1:(\d+) ->/.exec(log)?.[1],
      );
      return await use(Number(local), () => log);
    } finally {
      child.kill();
      await exit;
    }
  }

  async function get(port: number): Promise<string> {
    const outgoing = request({ port, host: '127.0.0.1', agent: false }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return text(response);
  }

  test('exec: output, error output and exit code', async () => {
    const ran = await k.run(['exec', 'box', '--', 'sh', '-c', 'echo out; echo oops >&2; exit 7']);
    expect(ran).toMatchObject({ code: 7, stdout: 'out\n', stderr: expect.stringContaining('oops') });
    expect(await k.ok(['exec', 'deployment/web', '--', 'echo', 'ü'])).toBe('ü\n');
    const none = await k.run(['exec', 'box', '--', '/no/such/command']);
    expect(none.code).not.toBe(0);
    expect((await k.run(['exec', 'nowhere', '--', 'true'])).stderr).toContain('pods "nowhere" not found');
    expect((await k.run(['exec', 'box', '-c', 'other', '--', 'true'])).stderr).toContain(
      'container other is not valid for pod box',
    );
  });

  test('exec: 10 MB through stdin and back, intact', async () => {
    const input = randomBytes(size);
    const { out, code } = await bytes(['exec', '-i', 'box', '--', 'cat'], input);
    expect([code, out.length, digest(out)]).toEqual([0, size, digest(input)]);
  });

  test('exec: a client that takes its time gets all of it', async () => {
    const child = k.start(['exec', 'box', '--', 'sh', '-c', 'head -c 10485760 /dev/zero']);
    await new Promise((done) => setTimeout(done, 7_000));
    expect((await buffer(child.stdout)).length).toBe(size);
  });

  test('exec -it: a terminal with its size, and changes of it', async () => {
    const terminal = spawnTerminal(binary, ['exec', '-it', 'box', '--', 'sh'], {
      cols: 90,
      rows: 30,
      env: { PATH: process.env.PATH!, HOME: home, KUBECONFIG: app.kubeconfig, ...env },
    });
    let screen = '';
    terminal.onData((data) => (screen += data));
    const exit = new Promise<number>((done) => terminal.onExit(({ exitCode }) => done(exitCode)));
    await eventually('a prompt', async () => /[#$] /.test(screen));
    const ask = async (answer: string) =>
      eventually(
        `${answer} from a terminal that said ${JSON.stringify(screen)}`,
        async () => {
          terminal.write('stty size\r');
          await new Promise((done) => setTimeout(done, 300));
          return screen.includes(answer);
        },
        20_000,
      );
    await ask('30 90');
    terminal.resize(120, 41);
    await ask('41 120');
    terminal.write('exit 5\r');
    expect(await exit).toBe(5);
  });

  test('attach: what the container says to what it is told', async () => {
    const child = k.start(['attach', '-i', 'box']);
    let heard = '';
    child.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    const word = randomBytes(4).toString('hex');
    await eventually('an answer', async () => {
      child.stdin.write(`${word}\n`);
      return heard.includes(`got ${word}\n`);
    });
    child.kill();
  });

  test.each([
    ['the pod of a deployment', 'deployment/web', 'http'],
    ['a service', 'service/web', '80'],
    ['a service by the name of its port', 'service/web', 'http'],
  ])('port-forward to %s', async (_what, target, port) => {
    await forwarding(target, port, async (local) => {
      expect(await get(local)).toBe('gantry test web v1\n');
    });
  });

  test('port-forward: 50 requests at once', async () => {
    const pod = (await k.ok(['get', 'pods', '-l', 'app=web', '-o', 'name'])).trim();
    await forwarding(pod, '8080', async (local) => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => get(local)));
      expect(new Set(answers)).toEqual(new Set(['gantry test web v1\n']));
    });
  });

  test('port-forward: 10 MB there and back, intact, then the end', async () => {
    await forwarding('pod/box', '9000', async (local) => {
      const input = randomBytes(size);
      const socket = connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });
      socket.end(input);
      const out = await buffer(socket);
      expect([out.length, digest(out)]).toEqual([size, digest(input)]);
    });
  });

  test('port-forward: a port nobody listens on', async () => {
    await forwarding('pod/box', '9001', async (local, log) => {
      await expect(get(local)).rejects.toThrow();
      await eventually(`the reason in ${log()}`, async () => /error forwarding port 9001 to pod/.test(log()));
    });
  });

  test('port-forward: the target is killed', async () => {
    const pod = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'victim' },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image: 'gantry-test/web:v1' }] },
    });
    await k.ok(['create', '--validate=false', '-f', '-'], pod);
    await k.ok(['wait', '--for=condition=Ready', 'pod/victim', '--timeout=60s']);
    await forwarding('pod/victim', '8080', async (local, log) => {
      expect(await eventually('an answer', () => get(local))).toBe('gantry test web v1\n');
      await k.ok(['delete', 'pod', 'victim', '--now']);
      await expect(get(local)).rejects.toThrow();
      await eventually(`the loss in ${log()}`, async () => /error forwarding port|lost connection to pod/.test(log()));
    });
  });
});

describe('the proxies of pods, services and nodes', () => {
  let k: Kubectl;
  beforeAll(() => {
    k = kubectl(kubectls.at(-1)!.binary, app.kubeconfig, home);
  });
  const inDefault = '/api/v1/namespaces/default';

  test('get --raw reaches what they lead to', async () => {
    const pod = (await k.ok(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}'])).trim();
    for (const name of [`pods/${pod}`, `pods/${pod}:8080`, 'services/web', 'services/web:http', 'services/http:web:80'])
      expect(await k.ok(['get', '--raw', `${inDefault}/${name}/proxy/`])).toBe('gantry test web v1\n');
    expect((await k.run(['get', '--raw', `${inDefault}/services/web/proxy/none`])).code).toBe(1);
    expect((await k.run(['get', '--raw', `${inDefault}/services/kubernetes:1/proxy/`])).stderr).toContain(
      'no service port "1" found for service "kubernetes"',
    );
    const node = (await k.ok(['get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}'])).trim();
    expect(await k.ok(['get', '--raw', `/api/v1/nodes/${node}/proxy/healthz`])).toBe('ok');
  });

  test('kubectl proxy leads a browser to a service', async () => {
    const child = k.start(['proxy', '--port=0']);
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const port = await eventually('the proxy listens', async () => /127\.0\.0\.1:(\d+)/.exec(log)?.[1]);
    const answer = await fetch(`http://127.0.0.1:${port}${inDefault}/services/web/proxy`);
    expect([answer.status, await answer.text()]).toEqual([200, 'gantry test web v1\n']);
    child.kill();
  });
});
