import type { KubeObject } from '@shared/k8s';
import { filenameFlags, selectorFlag, type Command, type CommandCall } from '../../command';
import { groupVersion } from '../../discovery';
import { KubectlError } from '../../errors';
import { fetchTarget, selectTargets } from '../../resources';
import { rolloutState } from '../../rollouts/status';
import { followObject } from '../../waiting';

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  if (call.args.length === 0 && flags.list('filename').length === 0)
    throw new KubectlError('required resource not specified');
  const targets = await selectTargets(call, { listWithoutSelector: true });
  const timeout = flags.duration('timeout');
  const deadline = timeout > 0 ? Date.now() + timeout : undefined;
  for (const target of targets) {
    const current = await fetchTarget(call.session, target);
    // What a list or a watch sends carries no kind of its own everywhere.
    const stateOf = (object: KubeObject): ReturnType<typeof rolloutState> =>
      rolloutState(
        { ...object, apiVersion: groupVersion(target.mapping), kind: target.mapping.kind },
        flags.int('revision'),
      );
    let last = '';
    const say = (object: KubeObject | undefined): boolean => {
      if (!object) throw new KubectlError(`object has been deleted`);
      const state = stateOf(object);
      if (state.message !== last) call.out(`${state.message}\n`);
      last = state.message;
      return state.done;
    };
    if (say(current) || !flags.bool('watch')) continue;
    await followObject(call, target, say, deadline);
  }
}

export const status: Command = {
  name: 'status',
  summary: 'Show the status of the rollout',
  usage: '(TYPE NAME | TYPE/NAME)',
  examples: [['Wait until the newest version runs', 'kubectl rollout status deployment/web']],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'watch', short: 'w', type: 'bool', default: 'true', help: 'Wait until it is done.' },
    { name: 'revision', type: 'int', default: '0', help: 'Wait for this revision; 0 for the newest.' },
    { name: 'timeout', type: 'duration', default: '0s', help: 'How long to wait; 0 for as long as it takes.' },
  ],
  run,
};
