import { filenameFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { describeObject } from '../describe';
import { isNotFound, KubectlError, throwAll } from '../errors';
import { fetchTarget, listAll, selectTargets, type Target } from '../resources';

/** A name that is none stands for all names that begin with it. */
async function matching(call: CommandCall, target: Target): Promise<Target[]> {
  try {
    return [{ ...target, object: target.object ?? (await fetchTarget(call.session, target)) }];
  } catch (error) {
    if (!isNotFound(error) || target.manifest) throw error;
    const list = await listAll(call.session, target.mapping, target.namespace);
    const similar = list.items.filter((item) => item.metadata?.name?.startsWith(target.name));
    if (similar.length === 0) throw error;
    return similar.map((object) => ({
      mapping: target.mapping,
      namespace: object.metadata?.namespace,
      name: object.metadata!.name!,
      object,
    }));
  }
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  if (call.args.length === 0 && flags.list('filename').length === 0) {
    throw new KubectlError(
      'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  const targets = await selectTargets(call, { listWithoutSelector: true });
  const errors: unknown[] = [];
  const found: Target[] = [];
  for (const target of targets) {
    try {
      found.push(...(await matching(call, target)));
    } catch (error) {
      errors.push(error);
    }
  }
  // Asking for the events of many objects is asked for in so many words.
  const showEvents = flags.bool('show-events') && (flags.changed('show-events') || found.length === 1);
  const named = new Set(targets.map((target) => target.name));
  for (const [at, { mapping, object, name }] of found.entries()) {
    const text = await describeObject(call.session, mapping, object!, showEvents);
    if (named.has(name)) call.out(at === 0 ? text : `\n\n${text}`);
    else call.out(`${text}\n`);
  }
  if (found.length === 0 && errors.length === 0) {
    const namespaced =
      !flags.bool('all-namespaces') && !call.args.some((argument) => /^(no|nodes?|ns|namespaces?)$/.test(argument));
    call.err(
      namespaced ? `No resources found in ${await call.session.namespace()} namespace.\n` : 'No resources found\n',
    );
  }
  throwAll(errors);
}

export const describe: Command = {
  name: 'describe',
  summary: 'Show details of a specific resource or group of resources',
  usage: '(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)',
  examples: [
    ['One pod', 'kubectl describe pod web-5d9f'],
    ['Every pod whose name begins so', 'kubectl describe pods web'],
  ],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'Objects of every namespace.' },
    { name: 'show-events', type: 'bool', default: 'true', help: 'Show the events about the object.' },
    { name: 'chunk-size', type: 'int', default: '500', help: 'Accepted.' },
  ],
  run,
};
