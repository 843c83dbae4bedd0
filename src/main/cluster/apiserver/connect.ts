import type { KubeObject } from '@shared/k8s';
import type { Call, ServerContext } from './context';
import { flag } from './reads';
import { admitted } from './writes';

/** What a connection is to do, as the API's own objects say it. */
export interface ConnectOptions extends KubeObject {
  container?: string;
  command?: string[];
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  tty?: boolean;
  ports?: number[];
  path?: string;
}

const kinds: Record<string, string> = {
  'pods/exec': 'PodExecOptions',
  'pods/attach': 'PodAttachOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

/**
 * Asks admission whether a connection may be made.
 * @param options what the client asks for
 * @returns the options as admission leaves them
 * @throws ApiError when it refuses
 */
export function admitConnection(context: ServerContext, call: Call, options: ConnectOptions): Promise<ConnectOptions> {
  const subresource = call.subresource!.split('/')[0]!;
  const kind = { group: '', version: 'v1', kind: kinds[`${call.resource.definition.plural}/${subresource}`]! };
  const object = { kind: kind.kind, apiVersion: 'v1', ...options };
  return admitted(context, { ...call, subresource }, { operation: 'CONNECT', object, kind }, async (attributes) => {
    await context.admission.validate(attributes);
    return attributes.object as ConnectOptions;
  });
}

/** The options of exec and attach, as the query has them. */
export function runOptionsOf({ request: { query }, subresource }: Call): ConnectOptions {
  const options: ConnectOptions = {};
  for (const name of ['stdin', 'stdout', 'stderr', 'tty'] as const) if (flag(query, name)) options[name] = true;
  if (query.get('container')) options.container = query.get('container')!;
  const command = query.getAll('command');
  if (subresource === 'exec' && command.length > 0) options.command = command;
  return options;
}

/** The options of a proxy: the path behind it. */
export function proxyOptionsOf({ subresource }: Call): ConnectOptions {
  const path = subresource!.slice('proxy'.length);
  return path ? { path } : {};
}
