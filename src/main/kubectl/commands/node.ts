import { drainVerdict } from '@shared/drain';
import type { Node, Pod } from '@shared/k8s';
import { dryRunOf, forEachTarget, patchTarget, ResultPrinter } from '../actions';
import { dryRunFlag, selectorFlag, type Command, type CommandCall } from '../command';
import { objectName } from '../discovery';
import { KubectlError, throwAll, usageError } from '../errors';
import { fetchTargets, listAll, selectTargets, targetPath, type Target } from '../resources';
import { untilGone } from '../waiting';

async function nodesOf(call: CommandCall): Promise<(Target & { object: Node })[]> {
  const { flags } = call;
  if (call.args.length === 0 && !flags.string('selector'))
    throw usageError(call.path, `USAGE: ${call.path} NODE [flags]`);
  if (call.args.length > 0 && flags.string('selector'))
    throw new KubectlError('error: cannot specify both a node name and a --selector option');
  const targets = await selectTargets(call, { args: ['nodes', ...call.args] });
  const { found, errors } = await fetchTargets(call.session, targets);
  throwAll(errors);
  return found as (Target & { object: Node })[];
}

async function mark(
  call: CommandCall,
  nodes: readonly (Target & { object: Node })[],
  unschedulable: boolean,
): Promise<void> {
  const dryRun = dryRunOf(call);
  const printer = await ResultPrinter.create(call, dryRun);
  const word = unschedulable ? 'cordoned' : 'uncordoned';
  const errors = await forEachTarget(nodes, async (node) => {
    if ((node.object.spec?.unschedulable ?? false) === unschedulable) {
      printer.done(node, `already ${word}`);
      return;
    }
    if (dryRun !== 'client')
      await patchTarget(call, node, { spec: { unschedulable: unschedulable || null } }, { dryRun });
    printer.done(node, word);
  });
  throwAll(errors);
}

const marking = (name: string, summary: string, unschedulable: boolean): Command => ({
  name,
  summary,
  usage: 'NODE',
  flags: [selectorFlag, dryRunFlag],
  run: async (call) => mark(call, await nodesOf(call), unschedulable),
});

export const cordon = marking('cordon', 'Mark node as unschedulable', true);
export const uncordon = marking('uncordon', 'Mark node as schedulable', false);

/** Why a pod stands in the way of a drain; undefined when it may be evicted. */
function obstacle(call: CommandCall, pod: Pod): { skip?: string; error?: string } | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  const { flags } = call;
  const options = { force: flags.bool('force'), deleteEmptyDirData: flags.bool('delete-emptydir-data') };
  switch (drainVerdict(pod, options)) {
    case 'mirror':
      return { skip: '' };
    case 'daemonset':
      return flags.bool('ignore-daemonsets')
        ? { skip: name }
        : { error: `cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${name}` };
    case 'localStorage':
      return { error: `cannot delete Pods with local storage (use --delete-emptydir-data to override): ${name}` };
    case 'noController':
      return { error: `cannot delete Pods that declare no controller (use --force to override): ${name}` };
    case 'evict':
      return undefined;
  }
}

async function evict(call: CommandCall, target: Target, grace: number, deadline: number | undefined): Promise<void> {
  const deleteOptions = grace >= 0 ? { gracePeriodSeconds: grace } : {};
  const uid = target.object?.metadata?.uid;
  for (;;) {
    try {
      if (call.flags.bool('disable-eviction')) {
        await call.session.request({
          method: 'DELETE',
          path: targetPath(target),
          body: { kind: 'DeleteOptions', apiVersion: 'v1', ...deleteOptions },
        });
      } else {
        const body = {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: target.name, namespace: target.namespace },
          deleteOptions,
        };
        await call.session.request({ method: 'POST', path: targetPath(target, 'eviction'), body });
      }
      break;
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      if (code === 404) return;
      // A disruption budget says "not now": the eviction is asked for again.
      if (code !== 429 || (deadline !== undefined && Date.now() > deadline)) throw error;
      call.err(
        `error when evicting pods/${JSON.stringify(target.name)} -n ${JSON.stringify(target.namespace)} (will retry after 5s): ${(error as Error).message}\n`,
      );
      await new Promise((resolve) => setTimeout(resolve, 5000));
    }
  }
  await untilGone(call, target, uid, deadline);
  call.out(`${objectName(target.mapping, target.name)} evicted\n`);
}

async function drainNodes(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  const nodes = await nodesOf(call);
  const dryRun = dryRunOf(call);
  await mark(call, nodes, true);
  const timeout = flags.duration('timeout');
  const deadline = timeout > 0 ? Date.now() + timeout : undefined;
  const mapping = (await session.discovery()).resolve('pods');
  for (const node of nodes) {
    const list = await listAll(session, mapping, undefined, {
      fieldSelector: `spec.nodeName=${node.name}`,
      labelSelector: flags.string('pod-selector') || undefined,
    });
    const pods = (list.items as Pod[]).map((pod) => ({ pod, obstacle: obstacle(call, pod) }));
    const errors = pods.flatMap(({ obstacle: found }) => (found?.error ? [found.error] : []));
    if (errors.length > 0) {
      throw new KubectlError(
        `unable to drain node ${JSON.stringify(node.name)} due to error: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}, continuing command...\nThere are pending nodes to be drained:\n ${node.name}\n${errors.join('\n')}`,
      );
    }
    const skipped = pods.flatMap(({ obstacle: found }) => (found?.skip ? [found.skip] : []));
    if (skipped.length > 0) call.err(`Warning: ignoring DaemonSet-managed Pods: ${skipped.join(', ')}\n`);
    const going = pods
      .filter(({ obstacle: found }) => !found)
      .map(({ pod }): Target => ({ mapping, namespace: pod.metadata.namespace, name: pod.metadata.name, object: pod }));
    for (const target of going)
      call.out(`evicting pod ${target.namespace}/${target.name}${dryRun === 'none' ? '' : ' (dry run)'}\n`);
    if (dryRun === 'none')
      await Promise.all(going.map((target) => evict(call, target, flags.int('grace-period'), deadline)));
    call.out(`node/${node.name} drained${dryRun === 'none' ? '' : ' (dry run)'}\n`);
  }
}

export const drain: Command = {
  name: 'drain',
  summary: 'Drain node in preparation for maintenance',
  usage: 'NODE',
  flags: [
    selectorFlag,
    dryRunFlag,
    { name: 'pod-selector', type: 'string', help: 'Only pods with these labels.' },
    { name: 'ignore-daemonsets', type: 'bool', default: 'false', help: 'Leave pods of DaemonSets where they are.' },
    {
      name: 'delete-emptydir-data',
      type: 'bool',
      default: 'false',
      help: 'Go on though pods lose what they keep in emptyDir.',
    },
    { name: 'force', type: 'bool', default: 'false', help: 'Evict pods that nothing will start again.' },
    { name: 'grace-period', type: 'int', default: '-1', help: 'Seconds each pod gets; below 0 for its own.' },
    { name: 'timeout', type: 'duration', default: '0s', help: 'How long to wait; 0 for as long as it takes.' },
    { name: 'disable-eviction', type: 'bool', default: 'false', help: 'Delete in place of evicting.' },
  ],
  run: drainNodes,
};

interface Taint {
  key: string;
  value?: string;
  effect: string;
}

async function taintNodes(call: CommandCall): Promise<void> {
  const [type, ...rest] = call.args;
  if (!type || !/^(no|node|nodes)$/.test(type))
    throw new KubectlError('at least one resource (node) must be specified');
  const names = rest.filter((argument) => !/[=:]/.test(argument) && !argument.endsWith('-'));
  const changes = rest.filter((argument) => !names.includes(argument));
  if (changes.length === 0) throw new KubectlError('at least one taint update is required');
  const add: Taint[] = [];
  const remove: { key: string; effect?: string }[] = [];
  for (const change of changes) {
    const removal = change.endsWith('-');
    const [pair = '', effect] = (removal ? change.slice(0, -1) : change).split(':');
    const [key = '', value] = pair.split('=');
    if (removal) remove.push({ key, effect });
    else if (!effect || !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect)) {
      throw new KubectlError(`invalid taint effect: ${effect ?? ''}, unsupported taint effect`);
    } else add.push({ key, effect, ...(value ? { value } : {}) });
  }
  const targets = await selectTargets(call, { args: ['nodes', ...names] });
  const { found, errors } = await fetchTargets(call.session, targets);
  const printer = await ResultPrinter.create(call);
  const more = await forEachTarget(found, async (node) => {
    const current = (node.object.spec?.taints ?? []) as Taint[];
    const same = (a: { key: string; effect?: string }, b: { key: string; effect?: string }): boolean =>
      a.key === b.key && (!b.effect || !a.effect || a.effect === b.effect);
    const clash = add.find((taint) => current.some((other) => same(other, taint) && other.value !== taint.value));
    if (clash && !call.flags.bool('overwrite')) {
      throw new KubectlError(
        `node ${node.name} already has ${clash.key} taint(s) with same effect(s) and --overwrite is false`,
      );
    }
    for (const gone of remove)
      if (!current.some((taint) => same(taint, gone)))
        throw new KubectlError(`taint ${JSON.stringify(gone.key)} not found`);
    const kept = current.filter((taint) => ![...add, ...remove].some((change) => same(taint, change)));
    await patchTarget(call, node, { spec: { taints: [...add, ...kept] } }, { type: 'merge' });
    printer.done(node, add.length > 0 ? 'tainted' : 'untainted');
  });
  throwAll([...errors, ...more]);
}

export const taint: Command = {
  name: 'taint',
  summary: 'Update the taints on one or more nodes',
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  flags: [
    selectorFlag,
    { name: 'all', type: 'bool', default: 'false', help: 'Every node.' },
    { name: 'overwrite', type: 'bool', default: 'false', help: 'Change taints that are set already.' },
  ],
  run: taintNodes,
};
