import { createTwoFilesPatch } from 'diff';
import type { KubeObject } from '@shared/k8s';
import { createTarget, mergesStrategically, patchTarget } from '../actions';
import { fieldManagerFlag, filenameFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { ExitError, isNotFound, KubectlError } from '../errors';
import { lastAppliedAnnotation, lastAppliedOf, withLastApplied } from '../merge/last-applied';
import { threeWayPatch } from '../merge/three-way';
import { withoutManagedFields } from '../output/printer';
import { toYaml } from '../output/yaml';
import { fetchTarget, manifestsOf, manifestTarget, type Target } from '../resources';
import { matchesText } from '../selector';

/** What is stored, and what would be after an apply: the server's own answer to a dry run. */
async function versions(call: CommandCall, target: Target): Promise<{ live?: KubeObject; merged: KubeObject }> {
  const modified = withLastApplied(target.manifest!.object);
  let live: KubeObject;
  try {
    live = await fetchTarget(call.session, target);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { merged: await createTarget(call, target, modified, 'server') };
  }
  const patch = threeWayPatch(lastAppliedOf(live), modified, live, mergesStrategically(target));
  if (Object.keys(patch).length === 0) return { live, merged: live };
  return { live, merged: await patchTarget(call, target, patch, { dryRun: 'server' }) };
}

/** The annotation repeats what the object says anyway. */
function withoutLastApplied(object: KubeObject): KubeObject {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata?.annotations ?? {};
  const { annotations: _all, ...metadata } = object.metadata ?? {};
  return {
    ...object,
    metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
  };
}

/** Secrets differ without being shown. */
function masked(objects: (KubeObject | undefined)[]): (KubeObject | undefined)[] {
  return objects.map((object, at) => {
    if (object?.kind !== 'Secret' || !object.data) return object;
    const other = objects[1 - at]?.data as Record<string, string> | undefined;
    const data = Object.entries(object.data as Record<string, string>).map(([key, value]) => {
      if (!other || other[key] === undefined) return [key, '***'];
      return [key, other[key] === value ? '***' : at === 0 ? '*** (before)' : '*** (after)'];
    });
    return { ...object, data: Object.fromEntries(data) };
  });
}

async function run(call: CommandCall): Promise<void> {
  if (call.flags.list('filename').length === 0) throw new KubectlError('must specify one of -f and -k');
  const manifests = (await manifestsOf(call)).filter(({ object }) =>
    matchesText(call.flags.string('selector'), object.metadata?.labels),
  );
  let different = false;
  for (const manifest of manifests) {
    const target = await manifestTarget(call, manifest);
    const { live, merged } = await versions(call, target);
    const [before, after] = masked([live, merged]).map((object) =>
      object ? toYaml(withoutLastApplied(withoutManagedFields(object))) : '',
    );
    if (before === after) continue;
    different = true;
    const { group, version, kind } = target.mapping;
    const file = [group, version, kind, target.namespace, target.name].filter(Boolean).join('.');
    const patch = createTwoFilesPatch(`LIVE/${file}`, `MERGED/${file}`, before!, after!, '', '', { context: 3 });
    call.out(`diff -u -N LIVE/${file} MERGED/${file}\n${patch.split('\n').slice(1).join('\n')}`);
  }
  if (different) throw new ExitError(1);
}

export const diff: Command = {
  name: 'diff',
  summary: 'Diff the live version against a would-be applied version',
  usage: '-f FILENAME',
  examples: [['What apply would change; exit code 1 when there is something', 'kubectl diff -f web.yaml']],
  flags: [...filenameFlags, selectorFlag, fieldManagerFlag('kubectl-client-side-apply')],
  run,
};
