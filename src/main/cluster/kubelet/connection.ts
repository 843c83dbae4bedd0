import { PassThrough, Transform, type Readable } from 'node:stream';
import type { ContainerStatus, Pod } from '@shared/k8s';
import { apiError, badRequest, notFound } from '../api/errors';
import type { LogOptions, NodeConnection } from '../apiserver/node-connection';
import { resources } from '../client/resources';
import type { Clock } from '../clock';
import type { Dial } from '../dial';
import { latest, observePod, runningSandbox, specContainers, type PodView } from './pod-view';
import { RuntimeError, type Runtime } from './runtime/types';

export interface ConnectionOptions {
  runtime: Runtime;
  clock: Clock;
  dial: Dial;
  pod(namespace: string, name: string): Pod | undefined;
  hostIp(): string;
}

/** Logs, commands and ports of this node's pods, for the API server. */
export function createNodeConnection(options: ConnectionOptions): NodeConnection {
  const { runtime } = options;

  const find = async (namespace: string, name: string): Promise<{ pod: Pod; view: PodView }> => {
    const pod = options.pod(namespace, name);
    if (!pod) throw notFound(resources.pods, name);
    try {
      return { pod, view: await observePod(runtime, pod.metadata.uid) };
    } catch (error) {
      throw asApiError(error);
    }
  };

  return {
    async logs(namespace, name, wanted) {
      const { pod, view } = await find(namespace, name);
      const target = logTarget(pod, view, wanted);
      const since = sinceOf(wanted, options.clock);
      try {
        const stream = await runtime.logs(target.id, {
          follow: wanted.follow === true && target.state === 'running',
          timestamps: wanted.timestamps === true,
          ...(wanted.tailLines === undefined ? {} : { tail: wanted.tailLines }),
          ...(since ? { since } : {}),
        });
        return wanted.limitBytes === undefined ? stream : limited(stream, wanted.limitBytes);
      } catch (error) {
        throw asApiError(error);
      }
    },

    async run(namespace, name, wanted) {
      const { pod, view } = await find(namespace, name);
      requireContainer(pod, wanted.container);
      const target = latest(view, wanted.container);
      if (target?.state !== 'running') {
        if (!target)
          throw apiError(
            500,
            'InternalError',
            `unable to upgrade connection: container not found ("${wanted.container}")`,
          );
        throw apiError(
          500,
          'InternalError',
          `cannot exec into a container in a completed state: container "${wanted.container}" is not running`,
        );
      }
      try {
        return await runtime.run(target.id, wanted);
      } catch (error) {
        throw asApiError(error);
      }
    },

    async portForward(namespace, name, port) {
      const { pod, view } = await find(namespace, name);
      const sandbox = runningSandbox(view);
      if (!sandbox) {
        throw apiError(
          500,
          'InternalError',
          `unable to forward port because pod is not running. Current status=${pod.status?.phase ?? 'Pending'}`,
        );
      }
      const host = pod.spec!.hostNetwork ? options.hostIp() : (sandbox.ip ?? '');
      try {
        return await options.dial(host, port, new AbortController().signal);
      } catch (error) {
        throw apiError(
          500,
          'InternalError',
          `error forwarding port ${port} to pod ${name}: dial tcp ${host}:${port}: ${(error as Error).message}`,
        );
      }
    },
  };
}

function requireContainer(pod: Pod, name: string): ContainerStatus | undefined {
  if (!specContainers(pod).some((container) => container.name === name)) {
    throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`);
  }
  const status = pod.status;
  return [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ].find((one) => one.name === name);
}

function logTarget(pod: Pod, view: PodView, wanted: LogOptions): { id: string; state: string } {
  const status = requireContainer(pod, wanted.container);
  const ran = (view.containers.get(wanted.container) ?? []).filter(
    (one) => one.startedAt !== undefined || one.state === 'running',
  );
  const where = `container "${wanted.container}" in pod "${pod.metadata.name}"`;
  if (wanted.previous) {
    // While a container waits for its restart, the one that ended last is the previous one.
    const candidates = ran[0]?.state === 'running' ? ran.slice(1) : status?.state?.waiting ? ran : ran.slice(1);
    const target = candidates[0];
    if (!target) throw badRequest(`previous terminated ${where} not found`);
    return target;
  }
  const target = ran[0];
  if (!target) {
    const reason = status?.state?.waiting?.reason;
    throw badRequest(reason ? `${where} is waiting to start: ${reason}` : `${where} is not available`);
  }
  return target;
}

/** The moment logs begin, as seconds with a fraction; sinceTime wins. */
function sinceOf(wanted: LogOptions, clock: Clock): string | undefined {
  const ms = wanted.sinceTime
    ? Date.parse(wanted.sinceTime)
    : wanted.sinceSeconds === undefined
      ? NaN
      : clock.now() - wanted.sinceSeconds * 1000;
  return Number.isNaN(ms) ? undefined : (ms / 1000).toFixed(3);
}

/** The first bytes of a stream; the source is closed when they are through. */
function limited(source: Readable, bytes: number): Readable {
  if (bytes <= 0) {
    source.destroy();
    return new PassThrough().end() as Readable;
  }
  let left = bytes;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (left <= 0) return done();
      this.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) {
        this.push(null);
        source.destroy();
      }
      done();
    },
  });
  source.once('error', () => limit.destroy()).pipe(limit);
  limit.once('close', () => source.destroy());
  return limit;
}

function asApiError(error: unknown): Error {
  if (!(error instanceof RuntimeError)) return error as Error;
  return apiError(
    error.code === 'unreachable' ? 503 : 500,
    error.code === 'unreachable' ? 'ServiceUnavailable' : 'InternalError',
    error.message,
  );
}
