import { filenameFlags, printFlags, selectorFlag, type Command, type CommandCall } from '../../command';
import { objectName } from '../../discovery';
import { KubectlError } from '../../errors';
import { podTemplateLines } from '../../describe/pod-template';
import { Lines } from '../../describe/lines';
import { objectPrinter } from '../../output/printer';
import { alignTabs, describeLayout } from '../../output/tabwriter';
import { fetchTarget, selectTargets } from '../../resources';
import { revisionsOf, type Workload } from '../../rollouts/history';

async function run(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  if (call.args.length === 0 && flags.list('filename').length === 0)
    throw new KubectlError('required resource not specified');
  const wanted = flags.int('revision');
  if (wanted < 0) throw new KubectlError(`revision must be a positive integer: ${wanted}`);
  const discovery = await session.discovery();
  const print = await objectPrinter(call);
  for (const target of await selectTargets(call, { listWithoutSelector: true })) {
    const workload = (await fetchTarget(session, target)) as Workload;
    const revisions = await revisionsOf(session, discovery, workload);
    if (wanted > 0) {
      const revision = revisions.find((other) => other.number === wanted);
      if (!revision) throw new KubectlError('unable to find the specified revision');
      if (print) {
        call.out(print(revision.source, true));
        continue;
      }
      const lines = new Lines();
      podTemplateLines(lines, revision.template);
      call.out(`${objectName(target.mapping, target.name)} with revision #${wanted}\n${lines.text()}\n`);
      continue;
    }
    if (print) {
      for (const revision of revisions) call.out(print(revision.source, revision === revisions[0]));
      continue;
    }
    const table = [
      'REVISION\tCHANGE-CAUSE\n',
      ...revisions.map((revision) => `${revision.number}\t${revision.changeCause}\n`),
    ].join('');
    const text = revisions.length > 0 ? alignTabs(table, describeLayout) : 'No rollout history found.';
    call.out(`${objectName(target.mapping, target.name)} \n${text}\n`);
  }
}

export const history: Command = {
  name: 'history',
  summary: 'View rollout history',
  usage: '(TYPE NAME | TYPE/NAME)',
  examples: [['The pod template of revision 3', 'kubectl rollout history deployment/web --revision=3']],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'revision', type: 'int', default: '0', help: 'Show this revision in full.' },
    ...printFlags,
  ],
  run,
};
