import type { Pod, Status } from '@shared/k8s';
import { apiError, badRequest, conflict, invalid } from '../api/errors';
import type { FieldError } from '../api/kind';
import { forbidden, invalid as invalidField } from '../api/validation/field';
import { timestamp } from '../clock';
import { admitConnection, runOptionsOf, type ConnectOptions } from './connect';
import type { Call, ServerContext } from './context';
import { methodNotAllowed, noSuchResource, objectResponse } from './context';
import { decodeObject } from './decode';
import { evict } from './eviction';
import { cloneObject } from './json';
import type { LogOptions, NodeConnection, RunOptions } from './node-connection';
import { flag, wholeNumber } from './reads';
import { getStored } from './resources';
import type { ApiResponse } from './types';
import { mutate } from './writes';

const done: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** The pods' own subresources: binding and eviction, and what goes through to the node. */
export async function podSubresource(context: ServerContext, call: Call): Promise<ApiResponse> {
  const { method } = call.request;
  switch (call.subresource) {
    case 'binding':
      if (method !== 'POST') throw methodNotAllowed();
      return bind(context, call);
    case 'eviction':
      return evict(context, call);
    case 'log':
      if (method !== 'GET') throw methodNotAllowed();
      return logs(context, call);
    case 'exec':
    case 'attach':
      if (method !== 'GET' && method !== 'POST') throw methodNotAllowed();
      return run(context, call, await admitConnection(context, call, runOptionsOf(call)));
    case 'portforward':
      if (method !== 'GET' && method !== 'POST') throw methodNotAllowed();
      return portForward(context, call, await admitConnection(context, call, portOptionsOf(call)));
    default:
      throw noSuchResource();
  }
}

const bindingKind = { group: '', version: 'v1', kind: 'Binding' };

/** Assigns a pod to a node, once. */
export async function bind(context: ServerContext, call: Call): Promise<ApiResponse> {
  const binding = decodeObject(call.request, bindingKind, context.schema, call.warnings);
  const name = call.name ?? binding.metadata?.name;
  if (!name) throw badRequest('name must be provided');
  const node: unknown = binding.target?.name;
  if (typeof node !== 'string' || node === '') throw badRequest('Binding "" is invalid: target.name: Required value');
  if (binding.target.kind !== undefined && binding.target.kind !== '' && binding.target.kind !== 'Node') {
    throw badRequest(
      `Binding "${name}" is invalid: target.kind: Unsupported value: "${binding.target.kind}": supported values: "Node", "<empty>"`,
    );
  }
  const refuse = (why: string) => conflict({ plural: 'pods/binding' }, name, why);
  await mutate(
    context,
    { ...call, name, subresource: 'binding' },
    (current) => {
      const pod = current.value as Pod;
      if (binding.metadata?.uid && binding.metadata.uid !== pod.metadata.uid) {
        throw refuse(
          `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
        );
      }
      if (pod.metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod.spec?.nodeName) throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
      const draft = cloneObject(pod);
      draft.spec!.nodeName = node;
      if (binding.metadata?.annotations) {
        draft.metadata.annotations = { ...draft.metadata.annotations, ...binding.metadata.annotations };
      }
      setScheduled(draft, timestamp(context.clock.now()));
      return draft;
    },
    {
      strategy: 'none',
      part: { subresource: 'binding', kind: bindingKind, operation: 'CREATE', of: () => binding, into() {} },
    },
  );
  return objectResponse(call, { value: done }, 201);
}

function setScheduled(pod: Pod, now: string): void {
  const status = (pod.status ??= {});
  const others = (status.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  // The room that was kept for it is its own now.
  delete status.nominatedNodeName;
  status.conditions = [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime: now }];
}

async function logs(context: ServerContext, call: Call): Promise<ApiResponse> {
  const { query } = call.request;
  const pod = podOf(context, call);
  const options: LogOptions = {
    container: containerOf(pod, query.get('container')),
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    tailLines: wholeNumber(query, 'tailLines'),
    sinceSeconds: wholeNumber(query, 'sinceSeconds'),
    sinceTime: query.get('sinceTime') ?? undefined,
    limitBytes: wholeNumber(query, 'limitBytes'),
  };
  checkLogOptions(call, options);
  if (options.sinceTime !== undefined && Number.isNaN(Date.parse(options.sinceTime))) {
    throw badRequest(`sinceTime: parsing time "${options.sinceTime}": not RFC 3339`);
  }
  const stream = await nodeOf(context, pod).logs(call.namespace!, call.name!, options);
  return { status: 200, warnings: call.warnings, payload: { type: 'stream', contentType: 'text/plain', stream } };
}

/** @throws ApiError 422 as `PodLogOptions` */
function checkLogOptions(call: Call, { tailLines, sinceSeconds, sinceTime, limitBytes }: LogOptions): void {
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0) {
    errors.push(invalidField('tailLines', tailLines, 'must be greater than or equal to 0'));
  }
  if (limitBytes !== undefined && limitBytes < 1) {
    errors.push(invalidField('limitBytes', limitBytes, 'must be greater than 0'));
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    errors.push(invalidField('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  }
  if (errors.length > 0) throw invalid({ plural: 'podlogoptions', kind: 'PodLogOptions' }, call.name!, errors);
}

function run(context: ServerContext, call: Call, asked: ConnectOptions): ApiResponse {
  const pod = podOf(context, call);
  const { container, stdin = false, stdout = false, stderr = false, tty = false, command = [] } = asked;
  const options: RunOptions = {
    container: containerOf(pod, container ?? null),
    stdin,
    stdout,
    stderr: stderr && !tty,
    tty,
  };
  if (call.subresource === 'exec') {
    options.command = command;
    if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
  }
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  const node = nodeOf(context, pod);
  const { namespace, name } = call;
  return {
    status: 200,
    warnings: call.warnings,
    payload: { type: 'run', options, start: () => node.run(namespace!, name!, options) },
  };
}

/** @throws ApiError 400 */
function portOptionsOf(call: Call): ConnectOptions {
  const ports = call.request.query
    .getAll('ports')
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '')
    .map((value) => {
      const port = Number(value);
      if (!Number.isInteger(port) || port < 1 || port > 65_535)
        throw badRequest(`unable to parse "${value}" as a port`);
      return port;
    });
  return ports.length > 0 ? { ports } : {};
}

function portForward(context: ServerContext, call: Call, { ports = [] }: ConnectOptions): ApiResponse {
  const node = nodeOf(context, podOf(context, call));
  const { namespace, name } = call;
  return {
    status: 200,
    warnings: call.warnings,
    payload: { type: 'portForward', ports, connect: (port) => node.portForward(namespace!, name!, port) },
  };
}

const podOf = (context: ServerContext, call: Call): Pod =>
  getStored(context.store, call.resource, call.namespace, call.name!).value as Pod;

/** The container that is meant: the named one, or the only one. @throws ApiError 400 */
function containerOf(pod: Pod, asked: string | null): string {
  const name = pod.metadata.name;
  const main = (pod.spec?.containers ?? []).map((container) => container.name);
  const init = (pod.spec?.initContainers ?? []).map((container) => container.name);
  const ephemeral = (pod.spec?.ephemeralContainers ?? []).map((container) => container.name);
  if (asked) {
    if (![...main, ...init, ...ephemeral].includes(asked))
      throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  if (main.length === 1) return main[0]!;
  const others = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]${others}`);
}

/** The way to the pod's node. @throws ApiError 400 before it has one, 500 while the node cannot be reached */
export function nodeOf(context: Pick<ServerContext, 'nodes'>, pod: Pod): NodeConnection {
  const node = pod.spec?.nodeName;
  if (!node) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const connection = context.nodes.get(node);
  if (!connection) {
    throw apiError(
      500,
      'InternalError',
      `Internal error occurred: error dialing backend: node ${node} is not connected`,
    );
  }
  return connection;
}
