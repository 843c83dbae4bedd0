import type { KubeObject, Node, Pod } from '@shared/k8s';
import type { Command, CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { fetchTarget, parseSelections, type Target } from '../../resources';
import { followObject } from '../../waiting';
import { attachTo, printLog } from '../attach';
import { streamFlags } from '../exec';
import { copyPod } from './copy';
import { addEphemeral } from './ephemeral';
import { podOnNode } from './node';

/** What a container of a pod does now. */
function stateOf(pod: KubeObject | undefined, name: string) {
  const { status } = (pod ?? {}) as Partial<Pod>;
  return [...(status?.ephemeralContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(
    (container) => container.name === name,
  )?.state;
}

async function attachWhenStarted(call: CommandCall, target: Target, name: string): Promise<void> {
  const started = (pod: KubeObject | undefined): boolean => {
    if (!pod) throw new KubectlError(`pods ${JSON.stringify(target.name)} not found`);
    const state = stateOf(pod, name);
    return Boolean(state?.running ?? state?.terminated);
  };
  await followObject(call, target, started);
  const pod = (await fetchTarget(call.session, target)) as Pod;
  // Of one that ended before it could be attached to, what it printed is in its log.
  await (stateOf(pod, name)?.running ? attachTo : printLog)(call, pod, name);
}

async function run(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  const names = call.dash < 0 ? call.args : call.args.slice(0, call.dash);
  if (names.length === 0) throw new KubectlError('NAME or --filename is required for debug');
  if (flags.bool('tty') && !flags.bool('stdin'))
    throw new KubectlError('-i/--stdin is required for containers with -t/--tty=true');
  if (flags.string('target') && flags.string('copy-to'))
    throw new KubectlError('--target is incompatible with --copy-to. Use --share-processes instead.');
  if (flags.bool('replace') && !flags.string('copy-to'))
    throw new KubectlError('--replace may only be used with --copy-to.');
  if (flags.bool('same-node') && !flags.string('copy-to'))
    throw new KubectlError('--same-node may only be used with --copy-to.');
  const discovery = await session.discovery();
  for (const word of names) {
    const [selection] = parseSelections(discovery, word.includes('/') ? [word] : ['pods', word]);
    const { mapping, name } = selection!;
    const target: Target = {
      mapping,
      name: name!,
      namespace: mapping.namespaced ? await session.namespace() : undefined,
    };
    const object = await fetchTarget(session, target);
    let made: { target: Target; name: string };
    if (mapping.kind === 'Node') made = await podOnNode(call, object as Node);
    else if (mapping.kind !== 'Pod') throw new KubectlError(`${word} not supported by debug`);
    else if (flags.string('copy-to')) made = await copyPod(call, target, object as Pod);
    else made = { target, name: await addEphemeral(call, target, object as Pod) };
    const attaches = flags.changed('attach') ? flags.bool('attach') : flags.bool('stdin');
    if (attaches) await attachWhenStarted(call, made.target, made.name);
  }
}

export const debug: Command = {
  name: 'debug',
  summary: 'Create debugging sessions for troubleshooting workloads and nodes',
  usage: '(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]',
  examples: [
    ['A shell beside the processes of a container', 'kubectl debug web-5d9f -it --image=busybox --target=web'],
    ['A copy of a pod that starts with a shell', 'kubectl debug web-5d9f -it --copy-to=copy --container=web -- sh'],
    ['A shell on a node', 'kubectl debug node/gantry -it --image=busybox'],
  ],
  flags: [
    { name: 'image', type: 'string', help: 'The image of the debugging container.' },
    { name: 'image-pull-policy', type: 'string', help: 'Always, IfNotPresent or Never.' },
    { name: 'target', type: 'string', help: 'The container whose processes it sees.' },
    { name: 'env', type: 'array', help: 'NAME=VALUE, may be repeated.' },
    {
      name: 'profile',
      type: 'string',
      default: 'general',
      help: 'legacy, general, baseline, restricted, netadmin or sysadmin.',
    },
    {
      name: 'arguments-only',
      type: 'bool',
      default: 'false',
      help: 'What follows -- are the arguments, not the command.',
    },
    { name: 'attach', type: 'bool', default: 'false', help: 'Attach to it once it runs; -i does so too.' },
    { name: 'copy-to', type: 'string', help: 'Debug a copy of the pod with this name.' },
    { name: 'set-image', type: 'list', help: 'CONTAINER=IMAGE for the copy.' },
    { name: 'share-processes', type: 'bool', default: 'true', help: 'The containers of the copy see each other.' },
    { name: 'same-node', type: 'bool', default: 'false', help: 'The copy runs where the pod does.' },
    { name: 'keep-labels', type: 'bool', default: 'false', help: 'The copy has the labels of the pod.' },
    { name: 'replace', type: 'bool', default: 'false', help: 'Delete the pod that was copied.' },
    ...streamFlags.filter((flag) => flag.name !== 'pod-running-timeout'),
  ],
  run,
};
