import type { KubeObject } from '@shared/k8s';
import { dryRunOf, forEachTarget } from '../actions';
import { dryRunFlag, filenameFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { objectName } from '../discovery';
import { isNotFound, KubectlError, prefixed, quote, throwAll } from '../errors';
import { selectTargets, targetPath, type Target } from '../resources';
import { untilGone } from '../waiting';

const policies: Record<string, string> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
  true: 'Background',
  false: 'Orphan',
};

function gracePeriod(call: CommandCall): number {
  const { flags } = call;
  const seconds = flags.int('grace-period');
  if (flags.bool('now')) {
    if (seconds !== -1) throw new KubectlError('--now and --grace-period cannot be specified together');
    return 1;
  }
  if (flags.bool('force') && seconds < 0) return 0;
  if (seconds === 0 && !flags.bool('force')) {
    // Without --force the object is asked to go at once but waited for.
    return 1;
  }
  if (flags.bool('force') && seconds > 0) {
    throw new KubectlError('--force and --grace-period greater than 0 cannot be specified together');
  }
  return seconds;
}

/** The kind as deletion messages name it: `pod`, `deployment.apps`. */
const kindName = (target: Target): string => objectName(target.mapping, '').slice(0, -1);

async function deleteOne(
  call: CommandCall,
  target: Target,
  grace: number,
  propagationPolicy: string,
  dryRun: boolean,
): Promise<string | undefined> {
  const { body } = await call.session.request<KubeObject>({
    method: 'DELETE',
    path: targetPath(target),
    body: {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy,
      ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
      ...(dryRun ? { dryRun: ['All'] } : {}),
    },
    query: { dryRun: dryRun ? 'All' : undefined },
  });
  const details = body.kind === 'Status' ? (body as { details?: { uid?: string } }).details : undefined;
  return details?.uid ?? body.metadata?.uid;
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  const dryRun = dryRunOf(call);
  const grace = gracePeriod(call);
  const force = flags.bool('force');
  const policy = policies[flags.string('cascade')];
  if (!policy)
    throw new KubectlError(
      `invalid cascade value (${flags.string('cascade')}). Must be "background", "foreground", or "orphan"`,
    );
  if (force && grace === 0) {
    call.err(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
    );
  }
  const selected = flags.bool('all') || flags.string('selector') !== '' || flags.string('field-selector') !== '';
  const ignore = flags.changed('ignore-not-found') ? flags.bool('ignore-not-found') : selected;
  const targets = await selectTargets(call);
  if (targets.some((target) => target.mapping.kind === 'Namespace') && flags.bool('all-namespaces')) {
    call.err('Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n');
  }
  const deleted: { target: Target; uid: string | undefined }[] = [];
  let found = 0;
  const suffix = dryRun === 'client' ? ' (dry run)' : dryRun === 'server' ? ' (server dry run)' : '';
  const errors = await forEachTarget(targets, async (target) => {
    try {
      const uid = dryRun === 'client' ? undefined : await deleteOne(call, target, grace, policy, dryRun === 'server');
      deleted.push({ target, uid });
    } catch (error) {
      if (ignore && isNotFound(error)) return;
      throw target.manifest ? prefixed(error, `error when deleting ${quote(target.manifest.source)}: `) : error;
    }
    found++;
    if (flags.string('output') === 'name') {
      call.out(`${objectName(target.mapping, target.name)}\n`);
      return;
    }
    const from = target.namespace ? ` from ${target.namespace} namespace` : '';
    call.out(
      `${kindName(target)} "${target.name}" ${force && grace === 0 ? 'force deleted' : 'deleted'}${from}${suffix}\n`,
    );
  });
  if (found === 0 && errors.length === 0 && !ignore) call.out('No resources found\n');
  else if (found === 0 && errors.length === 0 && selected) call.out('No resources found\n');
  if (dryRun === 'none' && flags.bool('wait')) {
    const timeout = flags.duration('timeout');
    const deadline = timeout > 0 ? Date.now() + timeout : undefined;
    errors.push(...(await forEachTarget(deleted, ({ target, uid }) => untilGone(call, target, uid, deadline))));
  }
  throwAll(errors);
}

export const remove: Command = {
  name: 'delete',
  summary: 'Delete resources by file names, stdin, resources and names, or by resources and label selector',
  usage: '([-f FILENAME] | TYPE [(NAME | -l label | --all)])',
  examples: [
    ['Delete one object', 'kubectl delete deployment web'],
    ['Delete what a file created', 'kubectl delete -f web.yaml'],
    ['Delete pods with a label, at once', 'kubectl delete pods -l app=web --now'],
  ],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'field-selector', type: 'string', help: 'Field selector (metadata.name!=x).' },
    { name: 'all', type: 'bool', default: 'false', help: 'All objects of the types, in the namespace.' },
    { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'In every namespace.' },
    { name: 'grace-period', type: 'int', default: '-1', help: 'Seconds an object gets to end; below 0 for its own.' },
    { name: 'now', type: 'bool', default: 'false', help: 'Ask objects to end at once (grace period of 1).' },
    {
      name: 'force',
      type: 'bool',
      default: 'false',
      help: 'Remove from the API at once, without waiting for the node.',
    },
    {
      name: 'cascade',
      type: 'string',
      default: 'background',
      alone: 'background',
      help: 'What becomes of dependents: background, foreground or orphan.',
    },
    { name: 'wait', type: 'bool', default: 'true', help: 'Return when the objects are gone.' },
    { name: 'timeout', type: 'duration', default: '0', help: 'How long to wait; 0 for as long as it takes.' },
    { name: 'ignore-not-found', type: 'bool', default: 'false', help: 'An object that does not exist is no error.' },
    { name: 'output', short: 'o', type: 'string', help: 'name, for names alone.' },
    dryRunFlag,
  ],
  run,
};
