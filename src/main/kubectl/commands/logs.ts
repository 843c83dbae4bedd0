import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Pod } from '@shared/k8s';
import { selectorFlag, type Command, type CommandCall } from '../command';
import { resourceName } from '../discovery';
import { isNotFound, KubectlError, quote, usageError } from '../errors';
import { chooseContainer, podsOf, podTarget } from '../pods';
import { listAll } from '../resources';

interface Source {
  pod: Pod;
  container: string;
}

async function findPods(call: CommandCall): Promise<Pod[]> {
  const { flags, session } = call;
  const selector = flags.string('selector');
  if (selector) {
    if (call.args.length > 0) throw new KubectlError('only a selector (-l) or a POD name is allowed');
    const list = await listAll(session, (await session.discovery()).resolve('pods'), await session.namespace(), {
      labelSelector: selector,
    });
    return list.items as Pod[];
  }
  const word = call.args[0]!;
  const target = await podTarget(call, word);
  const pods = await podsOf(call, target).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    const what = `${resourceName(target.mapping)} ${quote(target.name)}`;
    throw new KubectlError(
      `error from server (NotFound): ${what} not found in namespace ${quote(target.namespace ?? '')}`,
    );
  });
  if (pods.length === 0) throw new KubectlError(`no pods found for ${target.mapping.plural}/${target.name}`);
  if (flags.bool('all-pods') || target.mapping.kind === 'Pod') return pods;
  if (pods.length > 1) call.err(`Found ${pods.length} pods, using pod/${pods[0]!.metadata.name}\n`);
  return [pods[0]!];
}

function sourcesOf(call: CommandCall, pods: readonly Pod[]): Source[] {
  const container = call.flags.string('container') || (call.args[1] ?? '');
  if (!call.flags.bool('all-containers'))
    return pods.map((pod) => ({ pod, container: chooseContainer(call, pod, container) }));
  return pods.flatMap((pod) =>
    [...(pod.spec!.initContainers ?? []), ...pod.spec!.containers, ...(pod.spec!.ephemeralContainers ?? [])].map(
      ({ name }) => ({
        pod,
        container: name,
      }),
    ),
  );
}

function logQuery(call: CommandCall): Record<string, string | number | boolean | undefined> {
  const { flags } = call;
  if (flags.changed('since') && flags.changed('since-time')) {
    throw new KubectlError('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  const selected = flags.string('selector') !== '';
  const tail = flags.changed('tail') ? flags.int('tail') : selected ? 10 : -1;
  if (flags.changed('tail') && tail < -1) throw new KubectlError('--tail must be greater than or equal to -1');
  const seconds = Math.ceil(flags.duration('since') / 1000);
  return {
    follow: flags.bool('follow') || undefined,
    previous: flags.bool('previous') || undefined,
    timestamps: flags.bool('timestamps') || undefined,
    tailLines: tail >= 0 ? tail : undefined,
    sinceSeconds: seconds > 0 ? seconds : undefined,
    sinceTime: flags.string('since-time') || undefined,
    limitBytes: flags.int('limit-bytes') || undefined,
  };
}

/** Copies a log to stdout as it comes, each line with the prefix. */
async function copy(call: CommandCall, stream: Readable, prefix: string): Promise<void> {
  const stop = (): void => void stream.destroy();
  call.io.signal?.addEventListener('abort', stop, { once: true });
  try {
    if (!prefix) {
      for await (const chunk of stream) {
        if (!call.io.stdout.write(chunk)) await new Promise((resolve) => call.io.stdout.once('drain', resolve));
      }
      return;
    }
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) call.out(`${prefix}${line}\n`);
  } catch (error) {
    if (!call.io.signal?.aborted) throw error;
  } finally {
    call.io.signal?.removeEventListener('abort', stop);
  }
}

async function run(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  if (call.args.length === 0 && !flags.string('selector')) {
    throw usageError(
      'logs',
      `expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command`,
    );
  }
  if (call.args.length > 2)
    throw usageError(
      'logs',
      `expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command`,
    );
  if (call.args.length === 2 && flags.string('container'))
    throw usageError('logs', 'only one of -c or an inline [CONTAINER] arg is allowed');
  if (flags.bool('all-containers') && flags.string('container')) {
    throw new KubectlError(
      '--all-containers=true should not be specified with container name ' + flags.string('container'),
    );
  }
  const query = logQuery(call);
  const pods = await findPods(call);
  const sources = sourcesOf(call, pods);
  const most = flags.int('max-log-requests');
  if (query.follow && sources.length > most) {
    throw new KubectlError(
      `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${most}, use --max-log-requests to increase the limit`,
    );
  }
  const read = async ({ pod, container }: Source): Promise<void> => {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/log`;
    const prefix = flags.bool('prefix') ? `[pod/${pod.metadata.name}/${container}] ` : '';
    try {
      await copy(call, await session.stream({ method: 'GET', path, query: { ...query, container } }), prefix);
    } catch (error) {
      if (!flags.bool('ignore-errors')) throw error;
      call.err(`error: ${(error as Error).message}\n`);
    }
  };
  if (query.follow) await Promise.all(sources.map(read));
  else for (const source of sources) await read(source);
}

export const logs: Command = {
  name: 'logs',
  aliases: ['log'],
  summary: 'Print the logs for a container in a pod',
  usage: '[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]',
  examples: [
    ['Follow a pod', 'kubectl logs -f web-5d9f'],
    ['The container that ran before the last restart', 'kubectl logs -p web-5d9f -c app'],
    ['The last 20 lines of every pod with a label', 'kubectl logs -l app=web --tail=20 --prefix'],
  ],
  flags: [
    { name: 'follow', short: 'f', type: 'bool', default: 'false', help: 'Go on as new lines come.' },
    { name: 'previous', short: 'p', type: 'bool', default: 'false', help: 'The container that ran before.' },
    { name: 'container', short: 'c', type: 'string', help: 'The container.' },
    { name: 'all-containers', type: 'bool', default: 'false', help: 'Every container of the pod.' },
    { name: 'all-pods', type: 'bool', default: 'false', help: 'Every pod of a TYPE/NAME.' },
    { name: 'tail', type: 'int', default: '-1', help: 'Only the last lines; -1 for all (10 with a selector).' },
    { name: 'since', type: 'duration', default: '0s', help: 'Only lines newer than this (5s, 2m, 3h).' },
    { name: 'since-time', type: 'string', help: 'Only lines after this time (RFC 3339).' },
    { name: 'timestamps', type: 'bool', default: 'false', help: 'The time before each line.' },
    { name: 'limit-bytes', type: 'int', default: '0', help: 'At most this many bytes.' },
    { name: 'prefix', type: 'bool', default: 'false', help: 'Pod and container before each line.' },
    { name: 'ignore-errors', type: 'bool', default: 'false', help: 'When following, go on after a failed stream.' },
    { name: 'max-log-requests', type: 'int', default: '5', help: 'How many logs to follow at once.' },
    { name: 'insecure-skip-tls-verify-backend', type: 'bool', default: 'false', help: 'Accepted.' },
    { name: 'pod-running-timeout', type: 'duration', default: '20s', help: 'Accepted.' },
    selectorFlag,
  ],
  run,
};
