import type { KubeObject } from '@shared/k8s';
import { dryRunOf, forEachTarget, patchTarget, ResultPrinter } from '../actions';
import { dryRunFlag, filenameFlags, printFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { KubectlError, throwAll } from '../errors';
import { fetchTarget, selectTargets, targetPath, type Target } from '../resources';
import { followObject } from '../waiting';

async function checkPreconditions(call: CommandCall, target: Target): Promise<void> {
  const replicas = call.flags.int('current-replicas');
  const version = call.flags.string('resource-version');
  if (replicas < 0 && !version) return;
  const { body } = await call.session.request<KubeObject>({ method: 'GET', path: targetPath(target, 'scale') });
  const now = body.spec?.replicas ?? 0;
  if (replicas >= 0 && now !== replicas) throw new KubectlError(`Expected replicas to be ${replicas}, was ${now}`);
  if (version && body.metadata?.resourceVersion !== version) {
    throw new KubectlError(`Expected resource version to be ${version}, was ${body.metadata?.resourceVersion}`);
  }
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  const replicas = flags.int('replicas');
  if (replicas < 0)
    throw new KubectlError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  const dryRun = dryRunOf(call);
  const targets = await selectTargets(call);
  const printer = await ResultPrinter.create(call, dryRun);
  const timeout = flags.duration('timeout');
  const errors = await forEachTarget(targets, async (target) => {
    await checkPreconditions(call, target);
    if (dryRun !== 'client')
      await patchTarget(call, target, { spec: { replicas } }, { type: 'merge', subresource: 'scale', dryRun });
    if (timeout > 0 && dryRun === 'none') {
      const done = (object: KubeObject | undefined): boolean =>
        (object?.status?.replicas ?? 0) === replicas &&
        (object?.status?.observedGeneration ?? 0) >= (object?.metadata?.generation ?? 0);
      await followObject(call, target, done, Date.now() + timeout);
    }
    printer.done(target, 'scaled', flags.string('output') ? await fetchTarget(call.session, target) : undefined);
  });
  if (targets.length === 0) throw new KubectlError('no objects passed to scale');
  throwAll(errors);
}

export const scale: Command = {
  name: 'scale',
  summary: 'Set a new size for a deployment, replica set, or replication controller',
  usage: '[--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  examples: [['Three pods', 'kubectl scale deployment/web --replicas=3']],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'all', type: 'bool', default: 'false', help: 'All objects of the types, in the namespace.' },
    { name: 'replicas', type: 'int', default: '0', help: 'The number of pods.' },
    { name: 'current-replicas', type: 'int', default: '-1', help: 'Scale only when this is the number now.' },
    { name: 'resource-version', type: 'string', help: 'Scale only when this is the version now.' },
    {
      name: 'timeout',
      type: 'duration',
      default: '0s',
      help: 'Wait this long until the number is reached; 0 to not wait.',
    },
    dryRunFlag,
    ...printFlags,
  ],
  required: ['replicas'],
  run,
};
