import type { KubeObject } from '@shared/k8s';
import { dryRunOf, forEachTarget, patchTarget, ResultPrinter } from '../actions';
import {
  dryRunFlag,
  fieldManagerFlag,
  filenameFlags,
  printFlags,
  selectorFlag,
  type Command,
  type CommandCall,
} from '../command';
import { objectName } from '../discovery';
import { KubectlError, throwAll } from '../errors';
import { fetchTargets, selectTargets } from '../resources';

interface Changes {
  set: Map<string, string>;
  remove: string[];
}

/** Splits resources from `key=value` and `key-`. @throws KubectlError */
function split(call: CommandCall, what: string): { resources: string[]; changes: Changes } {
  const resources: string[] = [];
  const changes: Changes = { set: new Map(), remove: [] };
  for (const argument of call.args) {
    const equals = argument.indexOf('=');
    const started = changes.set.size + changes.remove.length > 0;
    if (equals > 0) changes.set.set(argument.slice(0, equals), argument.slice(equals + 1));
    else if (argument.endsWith('-') && argument.length > 1) changes.remove.push(argument.slice(0, -1));
    else if (started) throw new KubectlError(`all resources must be specified before ${what} changes: ${argument}`);
    else resources.push(argument);
  }
  const both = changes.remove.find((key) => changes.set.has(key));
  if (both) throw new KubectlError(`cannot modify and remove the same ${what}: ${both}`);
  return { resources, changes };
}

/** What came of it, in kubectl's words. */
function outcome(changes: Changes, present: Record<string, string>, done: string): string {
  const setSome = [...changes.set].some(([key, value]) => present[key] !== value);
  const removed = changes.remove.some((key) => key in present);
  if (done === 'annotated') return 'annotated';
  if (setSome) return 'labeled';
  return removed ? 'unlabeled' : 'not labeled';
}

function conflictsOf(changes: Changes, present: Record<string, string>): string[] {
  return [...changes.set]
    .filter(([key, value]) => present[key] !== undefined && present[key] !== value)
    .map(([key]) => `'${key}' already has a value (${present[key]})`);
}

function conflictText(conflicts: readonly string[], field: 'labels' | 'annotations'): string {
  if (field === 'annotations') {
    return `--overwrite is false but found the following declared annotation(s): ${conflicts.join('; ')}`;
  }
  const texts = conflicts.map((conflict) => `${conflict}, and --overwrite is false`);
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

function metadataCommand(
  field: 'labels' | 'annotations',
  name: string,
  what: string,
  done: string,
  summary: string,
): Command {
  async function run(call: CommandCall): Promise<void> {
    const { flags } = call;
    const dryRun = dryRunOf(call);
    const { resources, changes } = split(call, what);
    if (resources.length === 0 && flags.list('filename').length === 0) {
      throw new KubectlError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
    }
    const listing = flags.bool('list');
    if (changes.set.size + changes.remove.length === 0 && !listing)
      throw new KubectlError(`at least one ${what} update is required`);
    const targets = await selectTargets(call, { args: resources });
    const { found, errors } = await fetchTargets(
      call.session,
      targets.map((target) => ({ ...target, object: undefined })),
    );
    const printer = await ResultPrinter.create(call, dryRun);
    const more = await forEachTarget(found, async (target) => {
      const present = (target.object.metadata?.[field] ?? {}) as Record<string, string>;
      const conflicts = flags.bool('overwrite') ? [] : conflictsOf(changes, present);
      if (conflicts.length > 0) throw new KubectlError(conflictText(conflicts, field));
      for (const key of changes.remove) if (!(key in present)) call.out(`${what} "${key}" not found.\n`);
      let object: KubeObject = target.object;
      if (changes.set.size + changes.remove.length > 0 && dryRun !== 'client') {
        const values = {
          ...Object.fromEntries(changes.set),
          ...Object.fromEntries(changes.remove.map((key) => [key, null])),
        };
        object = await patchTarget(call, target, { metadata: { [field]: values } }, { type: 'merge', dryRun });
      }
      if (listing) {
        if (found.length > 1) call.out(`Listing ${field} for ${objectName(target.mapping, target.name)}:\n`);
        for (const [key, value] of Object.entries(object.metadata?.[field] ?? {}).sort())
          call.out(`${key}=${String(value)}\n`);
        return;
      }
      printer.done(target, outcome(changes, present, done), object);
    });
    throwAll([...errors, ...more]);
  }
  return {
    name,
    summary,
    usage: `[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N`,
    examples: [
      ['Set one', `kubectl ${name} pod web tier=front`],
      ['Remove it', `kubectl ${name} pod web tier-`],
    ],
    flags: [
      ...filenameFlags,
      selectorFlag,
      { name: 'all', type: 'bool', default: 'false', help: 'All objects of the types, in the namespace.' },
      { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'In every namespace.' },
      { name: 'field-selector', type: 'string', help: 'Field selector.' },
      { name: 'overwrite', type: 'bool', default: 'false', help: 'Change values that are set already.' },
      { name: 'list', type: 'bool', default: 'false', help: `Show the ${field}.` },
      dryRunFlag,
      fieldManagerFlag(`kubectl-${name}`),
      ...printFlags,
    ],
    run,
  };
}

export const label = metadataCommand('labels', 'label', 'label', 'labeled', 'Update the labels on a resource');
export const annotate = metadataCommand(
  'annotations',
  'annotate',
  'annotation',
  'annotated',
  'Update the annotations on a resource',
);
