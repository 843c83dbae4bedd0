import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';

const cli = resolve('out/main/cli.js');

/** A running `gantry serve`, started from the built bundle as a user would. */
export interface RunningApp {
  api: string;
  ui: string;
  kubeconfig: string;
  dataDirectory: string;
  pid: number;
  /** Everything it wrote to stderr so far. */
  log(): string;
  /** SIGTERM, as Ctrl+C would; workloads stay. */
  stop(): Promise<void>;
  /** SIGKILL: a crash. */
  kill(): Promise<void>;
}

export interface StartOptions {
  dataDirectory?: string;
  args?: string[];
  env?: Record<string, string>;
  /** A command that becomes the one that follows it, in which the app is to run. */
  within?: string[];
}

/** Starts `gantry serve` on free ports and waits for its line of JSON. */
export async function startApp({
  dataDirectory,
  args = [],
  env = {},
  within = [],
}: StartOptions = {}): Promise<RunningApp> {
  const directory = dataDirectory ?? (await mkdtemp(join(tmpdir(), 'gantry-test-')));
  const [program = '', ...rest] = [...within, process.execPath];
  const child = spawn(
    program,
    [
      ...rest,
      cli,
      'serve',
      '--data-dir',
      directory,
      '--port',
      '0',
      '--api-port',
      '0',
      '--kubeconfig',
      join(directory, 'kubeconfig'),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ready = await new Promise<{ api: string; ui: string; kubeconfig: string }>((resolveReady, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"ready":true')) resolveReady(JSON.parse(line));
    });
    child.on('exit', (code) => reject(new Error(`gantry serve ended with ${code} before it was ready:\n${log}`)));
    child.on('error', reject);
  });
  const end = (signal: NodeJS.Signals) => () => ended(child, signal);
  return {
    ...ready,
    dataDirectory: directory,
    pid: child.pid!,
    log: () => log,
    stop: end('SIGTERM'),
    kill: end('SIGKILL'),
  };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolveExit) => child.once('exit', () => resolveExit()));
  child.kill(signal);
  await exit;
}

/** `gantry delete`: removes the cluster's containers, networks, volumes and data. */
export async function deleteCluster(dataDirectory: string, args: string[] = []): Promise<void> {
  const child = spawn(process.execPath, [cli, 'delete', '--data-dir', dataDirectory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolveExit) => child.once('exit', resolveExit));
  if (code !== 0) throw new Error(`gantry delete ended with ${String(code)}: ${output}`);
  await rm(dataDirectory, { recursive: true, force: true });
}

export interface Answer<T = any> {
  status: number;
  body: T;
  text: string;
}

/** A client of the HTTPS API that shares no code with ours: node:https with the kubeconfig's certificate. */
export async function apiClient(kubeconfig: string, sockets = 64) {
  const config = parse(await readFile(kubeconfig, 'utf8'));
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = config.users[0].user;
  const decode = (text: string) => Buffer.from(text, 'base64');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: sockets,
    ca: decode(ca),
    cert: decode(cert),
    key: decode(key),
  });
  const url = new URL(server);
  const open = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const payload =
      body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const outgoing = request({
      host: url.hostname,
      port: url.port,
      method,
      path,
      agent,
      headers: {
        accept: 'application/json',
        ...(payload ? { 'content-type': 'application/json', 'content-length': payload.length } : {}),
        ...headers,
      },
    });
    outgoing.end(payload);
    return outgoing;
  };
  return {
    server: server as string,
    call<T = any>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
      return new Promise((resolveCall, reject) => {
        const outgoing = open(method, path, body, headers);
        outgoing.on('error', reject);
        outgoing.on('response', (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const json = response.headers['content-type']?.includes('json');
            resolveCall({
              status: response.statusCode ?? 0,
              text,
              // Parsed when it is asked for: benchmarks of big lists time the server, not JSON.parse.
              get body() {
                return json ? JSON.parse(text) : undefined;
              },
            });
          });
        });
      });
    },
    /** Calls `onEvent` for each line of a watch; resolves once the server answered. */
    watch(path: string, onEvent: (event: any) => void): Promise<() => void> {
      return new Promise((resolveWatch, reject) => {
        const outgoing = open('GET', path);
        outgoing.on('error', (error) => reject(error));
        outgoing.on('response', (response) => {
          const lines = createInterface({ input: response });
          lines.on('line', (line) => line && onEvent(JSON.parse(line)));
          lines.on('error', () => {});
          response.on('error', () => {});
          outgoing.on('error', () => {});
          resolveWatch(() => outgoing.destroy());
        });
      });
    },
    close: () => agent.destroy(),
  };
}

export type ApiClient = Awaited<ReturnType<typeof apiClient>>;
