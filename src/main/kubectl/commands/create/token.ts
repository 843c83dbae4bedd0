import type { KubeObject } from '@shared/k8s';
import { ApiError } from '../../../cluster/api/errors';
import { printFlags, type Command, type CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { objectPrinter } from '../../output/printer';
import { exactName } from './generate';

/** The resources a token may be bound to. */
const bindable: Record<string, string> = { Pod: 'v1', Secret: 'v1', Node: 'v1' };

function requestOf({ flags }: CommandCall): KubeObject {
  const kind = flags.string('bound-object-kind');
  const [name, uid] = [flags.string('bound-object-name'), flags.string('bound-object-uid')];
  if (!kind && name) throw new KubectlError('--bound-object-name can only be set if --bound-object-kind is provided');
  if (!kind && uid) throw new KubectlError('--bound-object-uid can only be set if --bound-object-kind is provided');
  if (kind && !bindable[kind])
    throw new KubectlError(`supported --bound-object-kind values are ${Object.keys(bindable).sort().join(', ')}`);
  if (kind && !name) throw new KubectlError('--bound-object-name is required if --bound-object-kind is provided');
  const duration = flags.duration('duration');
  if (flags.changed('duration') && duration <= 0)
    throw new KubectlError('--duration must be greater than or equal to 0');
  const audiences = flags.list('audience');
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      ...(audiences.length > 0 ? { audiences } : {}),
      ...(duration > 0 ? { expirationSeconds: Math.floor(duration / 1000) } : {}),
      ...(kind ? { boundObjectRef: { kind, apiVersion: bindable[kind], name, ...(uid ? { uid } : {}) } } : {}),
    },
  };
}

async function run(call: CommandCall): Promise<void> {
  const name = exactName(call);
  const path = `/api/v1/namespaces/${await call.session.namespace()}/serviceaccounts/${name}/token`;
  try {
    const { body } = await call.session.request<KubeObject>({ method: 'POST', path, body: requestOf(call) });
    const print = await objectPrinter(call);
    // The line ends for people alone: what is piped or captured is the token.
    call.out(print ? print(body, true) : `${body.status?.token}${call.io.isTTY ? '\n' : ''}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new KubectlError(`failed to create token: ${error.message}`);
  }
}

export const createToken: Command = {
  name: 'token',
  summary: 'Request a service account token',
  usage: 'SERVICE_ACCOUNT_NAME',
  examples: [['A token for an hour', 'kubectl create token robot --duration=1h']],
  flags: [
    { name: 'audience', type: 'array', help: 'Who the token is meant for; the API server without.' },
    { name: 'duration', type: 'duration', default: '0s', help: 'How long it is good for; the server may change it.' },
    { name: 'bound-object-kind', type: 'string', help: 'Pod, Secret or Node: the token ends with that object.' },
    { name: 'bound-object-name', type: 'string', help: 'Its name.' },
    { name: 'bound-object-uid', type: 'string', help: 'Its UID.' },
    ...printFlags,
  ],
  run,
};
