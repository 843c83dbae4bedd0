import { dryRunOf, forEachTarget, patchTarget, ResultPrinter } from '../../actions';
import { Lines } from '../../describe/lines';
import { podTemplateLines } from '../../describe/pod-template';
import { dryRunFlag, filenameFlags, printFlags, selectorFlag, type Command, type CommandCall } from '../../command';
import { KubectlError, throwAll } from '../../errors';
import { lastAppliedAnnotation } from '../../merge/last-applied';
import { fetchTarget, selectTargets } from '../../resources';
import { revisionsOf, rollbackPatch, rollbackTarget, type Workload } from '../../rollouts/history';

async function run(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  if (call.args.length === 0 && flags.list('filename').length === 0)
    throw new KubectlError('required resource not specified');
  const dryRun = dryRunOf(call);
  const wanted = flags.int('to-revision');
  if (wanted < 0) throw new KubectlError(`revision must be a positive integer: ${wanted}`);
  const discovery = await session.discovery();
  const targets = await selectTargets(call, { listWithoutSelector: true });
  const printer = await ResultPrinter.create(call, dryRun);
  const errors = await forEachTarget(targets, async (target) => {
    const workload = (await fetchTarget(session, target)) as Workload;
    if (workload.metadata.annotations?.[lastAppliedAnnotation]) {
      call.err(
        `Warning: resource ${target.mapping.plural}/${target.name} was previously managed with 'kubectl apply'. Rolling back will not update the ${lastAppliedAnnotation} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\n`,
      );
    }
    const revision = rollbackTarget(workload, await revisionsOf(session, discovery, workload), wanted);
    if (workload.spec?.paused) {
      throw new KubectlError(
        `you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again`,
      );
    }
    if (dryRun === 'client') {
      const lines = new Lines();
      podTemplateLines(lines, revision.template);
      call.out(
        `${target.mapping.kind.toLowerCase()}.${target.mapping.group}/${target.name} ${lines.text()} (dry run)\n`,
      );
      return;
    }
    if (workload.kind !== 'Deployment') {
      printer.done(
        target,
        'rolled back',
        await patchTarget(call, target, revision.source.data, { type: 'strategic', dryRun }),
      );
      return;
    }
    const patch = rollbackPatch(workload, revision);
    if (!patch) {
      printer.done(target, `skipped rollback (current template already matches revision ${revision.number})`);
      return;
    }
    printer.done(target, 'rolled back', await patchTarget(call, target, patch, { type: 'json', dryRun }));
  });
  throwAll(errors);
}

export const undo: Command = {
  name: 'undo',
  summary: 'Undo a previous rollout',
  usage: '(TYPE NAME | TYPE/NAME)',
  examples: [
    ['Back to the version before', 'kubectl rollout undo deployment/web'],
    ['Back to a revision of the history', 'kubectl rollout undo deployment/web --to-revision=3'],
  ],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'to-revision', type: 'int', default: '0', help: 'The revision to go back to; 0 for the one before.' },
    dryRunFlag,
    ...printFlags,
  ],
  run,
};
