import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as tlsConnect } from 'node:tls';
import type { Container, Probe } from '@shared/k8s';
import type { Clock } from '../clock';
import type { Dial } from '../dial';
import { goDuration } from './go-duration';
import { grpcHealth } from './grpc-health';
import type { PodContainer } from './pod-view';
import type { Runtime } from './runtime/types';

export interface CheckContext {
  runtime: Runtime;
  dial: Dial;
  clock: Clock;
  container: Container;
  target: PodContainer;
  podIp: string;
}

/** `unknown`: the probe itself could not run, which counts as nothing. */
export interface CheckResult {
  result: 'success' | 'failure' | 'unknown';
  output: string;
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>;

const outputLimit = 10 * 1024;

/** A port by number or by the name a container gives it. */
export function portOf(port: number | string | undefined, container: Container): number | undefined {
  const number = typeof port === 'number' ? port : Number(port);
  if (Number.isInteger(number) && number > 0) return number;
  return container.ports?.find((one) => one.name === port)?.containerPort;
}

/** Runs a probe once. Never throws. */
export async function check(handler: Handler, timeoutMs: number, context: CheckContext): Promise<CheckResult> {
  const abort = new AbortController();
  const timer = context.clock.setTimeout(() => abort.abort(), timeoutMs);
  try {
    if (context.runtime.probe) {
      const well = await context.runtime.probe(context.target.id);
      return { result: well ? 'success' : 'failure', output: well ? '' : 'the container is simulated as unhealthy' };
    }
    if (handler.exec) return await checkExec(handler.exec.command ?? [], timeoutMs, context, abort.signal);
    if (handler.httpGet) return await checkHttp(handler.httpGet, context, abort.signal);
    if (handler.tcpSocket) return await checkTcp(handler.tcpSocket, context, abort.signal);
    if (handler.grpc) return await checkGrpc(handler.grpc, timeoutMs, context, abort.signal);
    return { result: 'unknown', output: 'missing probe handler' };
  } catch (error) {
    return { result: 'unknown', output: (error as Error).message };
  } finally {
    timer.cancel();
    abort.abort();
  }
}

async function checkExec(
  command: string[],
  timeoutMs: number,
  context: CheckContext,
  signal: AbortSignal,
): Promise<CheckResult> {
  const session = await context.runtime.run(context.target.id, {
    command,
    stdin: false,
    stdout: true,
    stderr: true,
    tty: false,
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for (const stream of [session.stdout, session.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      if (size < outputLimit) chunks.push(chunk);
      size += chunk.length;
    });
    stream?.on('error', () => {});
  }
  const timedOut = new Promise<'timeout'>((resolve) =>
    signal.addEventListener('abort', () => resolve('timeout'), { once: true }),
  );
  const done = await Promise.race([session.done, timedOut]);
  if (done === 'timeout') {
    session.close();
    session.done.catch(() => {});
    return {
      result: 'failure',
      output: `command timed out: "${command.join(' ')}" timed out after ${goDuration(timeoutMs)}`,
    };
  }
  const output = Buffer.concat(chunks).subarray(0, outputLimit).toString();
  if (done.error) return { result: 'unknown', output: done.error };
  return { result: done.exitCode === 0 ? 'success' : 'failure', output };
}

/** A socket's failure as Go words it. */
function dialError(error: NodeJS.ErrnoException, host: string, port: number): string {
  const words: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ECONNRESET: 'read: connection reset by peer',
    ETIMEDOUT: 'i/o timeout',
    ENOTFOUND: 'no such host',
    ABORT_ERR: 'i/o timeout',
  };
  return `dial tcp ${host}:${port}: ${words[error.code ?? ''] ?? error.message}`;
}

async function checkTcp(
  probe: NonNullable<Handler['tcpSocket']>,
  context: CheckContext,
  signal: AbortSignal,
): Promise<CheckResult> {
  const host = probe.host || context.podIp;
  const port = portOf(probe.port as number | string, context.container);
  if (!port) return { result: 'unknown', output: `couldn't find port: ${String(probe.port)}` };
  try {
    (await context.dial(host, port, signal)).destroy();
    return { result: 'success', output: '' };
  } catch (error) {
    return { result: 'failure', output: dialError(error as NodeJS.ErrnoException, host, port) };
  }
}

async function checkHttp(
  probe: NonNullable<Handler['httpGet']>,
  context: CheckContext,
  signal: AbortSignal,
): Promise<CheckResult> {
  const secure = (probe.scheme ?? 'HTTP').toUpperCase() === 'HTTPS';
  const port = portOf(probe.port as number | string, context.container);
  if (!port) return { result: 'unknown', output: `couldn't find port: ${String(probe.port)}` };
  const host = probe.host || context.podIp;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.36', Accept: '*/*', Connection: 'close' };
  for (const { name, value } of probe.httpHeaders ?? []) headers[name] = value;
  // Put together as text: a path of two slashes must not name another host.
  const path = (probe.path ?? '').replace(/^\/?/, '/');
  let url = new URL(`${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`);
  for (let hop = 0; hop < 10; hop++) {
    let answer: { status: number; location?: string };
    try {
      answer = await get(url, headers, context.dial, signal);
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      const words = signal.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : failure.code === 'EPROTO' && /wrong version number/.test(failure.message)
          ? 'http: server gave HTTP response to HTTPS client'
          : dialError(failure, url.hostname, Number(url.port || (secure ? 443 : 80)));
      return { result: 'failure', output: `Get "${url.href}": ${words}` };
    }
    const { status, location } = answer;
    if (location !== undefined && status >= 300 && status < 400 && !URL.canParse(location, url)) {
      return { result: 'failure', output: `Get "${url.href}": failed to parse Location header "${location}"` };
    }
    const redirect = status >= 300 && status < 400 && location ? new URL(location, url) : undefined;
    // Only redirects to the same host are followed; elsewhere is none of the pod's business.
    if (!redirect || redirect.hostname !== url.hostname) {
      const ok = status >= 200 && status < 400;
      return ok
        ? { result: 'success', output: '' }
        : { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
    }
    url = redirect;
  }
  return { result: 'failure', output: `Get "${url.href}": stopped after 10 redirects` };
}

async function get(
  url: URL,
  headers: Record<string, string>,
  dial: Dial,
  signal: AbortSignal,
): Promise<{ status: number; location?: string }> {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const plain = await dial(host, Number(url.port || (secure ? 443 : 80)), signal);
  // Probes ask whether the server answers, not who it is: its certificate is not verified, as in Kubernetes.
  const socket = secure ? tlsConnect({ socket: plain as never, rejectUnauthorized: false }) : plain;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({
        createConnection: () => socket as never,
        method: 'GET',
        host,
        path: `${url.pathname}${url.search}`,
        headers: { Host: url.host, ...headers },
        signal,
      });
      request.once('response', resolve).once('error', reject).end();
    });
    response.on('error', () => {}).resume();
    return { status: response.statusCode ?? 0, location: response.headers.location };
  } finally {
    plain.destroy();
  }
}

async function checkGrpc(
  probe: NonNullable<Handler['grpc']>,
  timeoutMs: number,
  context: CheckContext,
  signal: AbortSignal,
): Promise<CheckResult> {
  const host = context.podIp;
  const place = `${host}:${probe.port}`;
  try {
    const socket = await context.dial(host, probe.port, signal);
    const status = await grpcHealth(socket, place, probe.service ?? '', signal);
    if (status === 'SERVING') return { result: 'success', output: '' };
    return { result: 'failure', output: `service unhealthy (responded with "${status}")` };
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (signal.aborted)
      return {
        result: 'failure',
        output: `timeout: failed to connect service "${place}" within ${goDuration(timeoutMs)}`,
      };
    const words = failure.code ? dialError(failure, host, probe.port) : failure.message;
    return { result: 'failure', output: `error: ${words}` };
  }
}
