import type { Pod } from '@shared/k8s';
import { patchTarget } from '../../actions';
import type { CommandCall } from '../../command';
import { KubectlError, quote } from '../../errors';
import type { Target } from '../../resources';
import { debugContainer, suffix } from './container';

function unusedName(call: CommandCall, pod: Pod): string {
  const wanted = call.flags.string('container');
  if (wanted) return wanted;
  const taken = new Set(
    [...pod.spec!.containers, ...(pod.spec!.initContainers ?? []), ...(pod.spec!.ephemeralContainers ?? [])].map(
      (container) => container.name,
    ),
  );
  for (;;) {
    const name = `debugger-${suffix()}`;
    if (taken.has(name)) continue;
    if (!call.flags.bool('quiet')) call.out(`Defaulting debug container name to ${name}.\n`);
    return name;
  }
}

/**
 * Starts a container in a pod that runs, which shares what the pod's containers share.
 * @returns its name @throws KubectlError, ApiError
 */
export async function addEphemeral(call: CommandCall, target: Target, pod: Pod): Promise<string> {
  const { flags } = call;
  if (!flags.string('image')) throw new KubectlError('you must specify --image when not using --copy-to.');
  const name = unusedName(call, pod);
  const among = flags.string('target');
  if (among) {
    call.out(
      `Targeting container ${quote(among)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
    );
  }
  const container = { ...debugContainer(call, name), ...(among ? { targetContainerName: among } : {}) };
  await patchTarget(
    call,
    target,
    { spec: { ephemeralContainers: [container] } },
    { subresource: 'ephemeralcontainers', type: 'strategic' },
  );
  return name;
}
