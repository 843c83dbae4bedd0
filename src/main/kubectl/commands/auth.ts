import type { KubeObject } from '@shared/k8s';
import type { Command, CommandCall } from '../command';
import { ExitError, KubectlError } from '../errors';
import { textTable } from '../output/table';

async function canI(call: CommandCall): Promise<void> {
  const { flags, session, args } = call;
  const [verb, what, named] = args;
  if (!verb || !what || args.length > 3) {
    throw new KubectlError('you must specify two arguments: verb resource or verb resource/resourceName.');
  }
  const namespace = flags.bool('all-namespaces') ? '' : await session.namespace();
  let attributes: object;
  if (what.startsWith('/')) attributes = { nonResourceAttributes: { path: what, verb } };
  else {
    const [type = '', slashed] = what.split('/');
    const mapping = type === '*' ? undefined : (await session.discovery()).lookup(type);
    if (!mapping && type !== '*') call.err(`Warning: the server doesn't have a resource type '${type}'\n\n`);
    attributes = {
      resourceAttributes: {
        verb,
        group: mapping?.group ?? (type === '*' ? '*' : ''),
        resource: mapping?.plural ?? type,
        name: named ?? slashed,
        namespace: mapping && !mapping.namespaced ? '' : namespace,
        subresource: flags.string('subresource') || undefined,
      },
    };
  }
  const { body } = await session.request<KubeObject>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: attributes },
  });
  const { allowed, reason, evaluationError } = body.status ?? {};
  const why = `${reason ? ` - ${reason}` : ''}${evaluationError ? ` - ${evaluationError}` : ''}`;
  if (!flags.bool('quiet')) call.out(allowed ? 'yes\n' : `no${why}\n`);
  if (!allowed) throw new ExitError(1);
}

async function whoAmI(call: CommandCall): Promise<void> {
  const { body } = await call.session.request<KubeObject>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  const { username, uid, groups = [] } = body.status?.userInfo ?? {};
  const rows = [['Username', username ?? ''], ...(uid ? [['UID', uid]] : []), ['Groups', `[${groups.join(' ')}]`]];
  call.out(textTable(['ATTRIBUTE', 'VALUE'], rows));
}

export const auth: Command = {
  name: 'auth',
  summary: 'Inspect authorization',
  subcommands: [
    {
      name: 'can-i',
      summary: 'Check whether an action is allowed',
      usage: 'VERB [TYPE | TYPE/NAME | NONRESOURCEURL]',
      examples: [['May I delete pods here?', 'kubectl auth can-i delete pods']],
      flags: [
        { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'In every namespace.' },
        { name: 'subresource', type: 'string', help: 'The subresource (log, exec, scale).' },
        { name: 'quiet', short: 'q', type: 'bool', default: 'false', help: 'Only the exit code.' },
      ],
      run: canI,
    },
    { name: 'whoami', summary: 'Check self subject attributes', run: whoAmI },
  ],
};
