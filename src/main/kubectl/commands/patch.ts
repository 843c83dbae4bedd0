import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { PatchType } from '../../cluster/client/types';
import { dryRunOf, forEachTarget, patchTarget, ResultPrinter } from '../actions';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags, type Command, type CommandCall } from '../command';
import { KubectlError, quote, throwAll } from '../errors';
import { fetchTarget, selectTargets } from '../resources';

async function patchOf(call: CommandCall): Promise<unknown> {
  const { flags } = call;
  if (flags.string('patch') && flags.string('patch-file'))
    throw new KubectlError('cannot specify --patch and --patch-file together');
  let text = flags.string('patch');
  const file = flags.string('patch-file');
  if (file) {
    text = await readFile(resolve(call.io.cwd, file), 'utf8').catch((error: Error) => {
      throw new KubectlError(`unable to read patch file: ${error.message}`);
    });
  }
  if (!text) throw new KubectlError('must specify --patch or --patch-file containing the contents of the patch');
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw new KubectlError(`unable to parse ${quote(text)}: ${(error as Error).message}`);
  }
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  const dryRun = dryRunOf(call);
  const type = flags.string('type').toLowerCase();
  if (!['json', 'merge', 'strategic'].includes(type))
    throw new KubectlError(`--type must be one of [json merge strategic], not ${quote(flags.string('type'))}`);
  const patch = await patchOf(call);
  const targets = await selectTargets(call);
  const printer = await ResultPrinter.create(call, dryRun);
  const errors = await forEachTarget(targets, async (target) => {
    const before = await fetchTarget(call.session, target);
    const subresource = flags.string('subresource') || undefined;
    const object =
      dryRun === 'client'
        ? before
        : await patchTarget(call, target, patch, { type: type as PatchType, subresource, dryRun });
    const same = dryRun !== 'client' && object.metadata?.resourceVersion === before.metadata?.resourceVersion;
    printer.done(target, same && dryRun === 'none' ? 'patched (no change)' : 'patched', object);
  });
  throwAll(errors);
}

export const patch: Command = {
  name: 'patch',
  summary: 'Update fields of a resource',
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  examples: [
    ['A merge by the names of containers', `kubectl patch deployment web -p '{"spec":{"replicas":2}}'`],
    ['A JSON patch', `kubectl patch pod web --type=json -p '[{"op":"remove","path":"/metadata/labels/tier"}]'`],
  ],
  flags: [
    ...filenameFlags,
    { name: 'patch', short: 'p', type: 'string', help: 'The patch, JSON or YAML.' },
    { name: 'patch-file', type: 'string', help: 'A file with the patch.' },
    { name: 'type', type: 'string', default: 'strategic', help: 'json, merge or strategic.' },
    { name: 'subresource', type: 'string', help: 'Patch this subresource (status, scale).' },
    dryRunFlag,
    fieldManagerFlag('kubectl-patch'),
    ...printFlags,
  ],
  run,
};
