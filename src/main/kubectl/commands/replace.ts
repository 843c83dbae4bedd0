import type { KubeObject } from '@shared/k8s';
import { createTarget, dryRunOf, forEachTarget, ResultPrinter, writeQuery, type DryRun } from '../actions';
import {
  dryRunFlag,
  fieldManagerFlag,
  filenameFlags,
  printFlags,
  validateFlag,
  type Command,
  type CommandCall,
} from '../command';
import { isNotFound, KubectlError, prefixed, quote, throwAll } from '../errors';
import { lastAppliedOf, withLastApplied } from '../merge/last-applied';
import { fetchTarget, manifestsOf, manifestTarget, targetPath, type Target } from '../resources';
import { untilGone } from '../waiting';

async function put(call: CommandCall, target: Target, dryRun: DryRun): Promise<KubeObject> {
  const current = await fetchTarget(call.session, target);
  // Whoever applies the object later should find what it was replaced with.
  const given = lastAppliedOf(current) ? withLastApplied(target.manifest!.object) : target.manifest!.object;
  if (dryRun === 'client') return given;
  const resourceVersion = given.metadata?.resourceVersion ?? current.metadata?.resourceVersion;
  const { body } = await call.session.request<KubeObject>({
    method: 'PUT',
    path: targetPath(target),
    query: writeQuery(call, dryRun),
    body: { ...given, metadata: { ...given.metadata, resourceVersion } },
  });
  return body;
}

async function recreate(call: CommandCall, target: Target): Promise<KubeObject> {
  try {
    const grace = call.flags.int('grace-period');
    const { body } = await call.session.request<KubeObject>({
      method: 'DELETE',
      path: targetPath(target),
      body: { kind: 'DeleteOptions', apiVersion: 'v1', ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}) },
    });
    call.out(`${target.mapping.kind.toLowerCase()} ${quote(target.name)} deleted\n`);
    await untilGone(call, target, body.metadata?.uid ?? (body as { details?: { uid?: string } }).details?.uid);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return createTarget(call, target, target.manifest!.object, 'none');
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  if (flags.list('filename').length === 0) throw new KubectlError('must specify one of -f and -k');
  const dryRun = dryRunOf(call);
  const force = flags.bool('force');
  const printer = await ResultPrinter.create(call, dryRun);
  const manifests = await manifestsOf(call);
  if (manifests.length === 0) throw new KubectlError('no objects passed to replace');
  const errors = await forEachTarget(manifests, async (manifest) => {
    const target = await manifestTarget(call, manifest);
    try {
      const object = force && dryRun === 'none' ? await recreate(call, target) : await put(call, target, dryRun);
      printer.done(target, 'replaced', object);
    } catch (error) {
      const invalid = (error as { reason?: string }).reason === 'Invalid';
      throw invalid ? error : prefixed(error, `error when replacing ${quote(manifest.source)}: `);
    }
  });
  throwAll(errors);
}

export const replace: Command = {
  name: 'replace',
  summary: 'Replace a resource by file name or stdin',
  usage: '-f FILENAME',
  examples: [['Put the object of a file in place of the stored one', 'kubectl replace -f web.yaml']],
  flags: [
    ...filenameFlags,
    { name: 'force', type: 'bool', default: 'false', help: 'Delete the object and create it anew.' },
    { name: 'grace-period', type: 'int', default: '-1', help: 'With --force: seconds the old one gets to end.' },
    dryRunFlag,
    validateFlag,
    fieldManagerFlag('kubectl-replace'),
    ...printFlags,
  ],
  run,
};
