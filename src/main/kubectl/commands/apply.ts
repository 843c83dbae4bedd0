import type { KubeObject } from '@shared/k8s';
import { ApiError } from '../../cluster/api/errors';
import {
  createTarget,
  dryRunOf,
  forEachTarget,
  mergesStrategically,
  patchTarget,
  ResultPrinter,
  writeQuery,
  type DryRun,
} from '../actions';
import {
  dryRunFlag,
  fieldManagerFlag,
  filenameFlags,
  printFlags,
  selectorFlag,
  validateFlag,
  type Command,
  type CommandCall,
} from '../command';
import { isNotFound, KubectlError, prefixed, quote, throwAll } from '../errors';
import { lastAppliedAnnotation, lastAppliedOf, withLastApplied } from '../merge/last-applied';
import { threeWayPatch } from '../merge/three-way';
import { toJson, toYaml } from '../output/yaml';
import { fetchTarget, manifestsOf, manifestTarget, targetPath, type Target } from '../resources';
import { matchesText } from '../selector';

interface Applied {
  operation: 'created' | 'configured' | 'unchanged' | 'serverside-applied';
  object: KubeObject;
}

/** What the server would store, as far as it can be known without asking it. */
const preview = (current: KubeObject, modified: KubeObject): KubeObject => ({
  ...current,
  ...modified,
  metadata: { ...current.metadata, ...modified.metadata },
});

async function applyThreeWay(call: CommandCall, target: Target, dryRun: DryRun): Promise<Applied> {
  const modified = withLastApplied(target.manifest!.object);
  let current: KubeObject;
  try {
    current = await fetchTarget(call.session, target);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { operation: 'created', object: await createTarget(call, target, modified, dryRun) };
  }
  const original = lastAppliedOf(current);
  if (!original && dryRun !== 'client') {
    call.err(
      `Warning: resource ${target.mapping.plural}/${target.name} is missing the ${lastAppliedAnnotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`,
    );
  }
  const patch = threeWayPatch(original, modified, current, mergesStrategically(target));
  if (Object.keys(patch).length === 0) return { operation: 'unchanged', object: current };
  if (dryRun === 'client') return { operation: 'configured', object: preview(current, modified) };
  try {
    return { operation: 'configured', object: await patchTarget(call, target, patch, { dryRun }) };
  } catch (error) {
    throw prefixed(
      error,
      `error when applying patch:\n${toJson(patch, 0)}\nto:\n${describeTarget(target)}\nfor: ${quote(target.manifest!.source)}: `,
    );
  }
}

const describeTarget = (target: Target): string =>
  `Resource: "${target.mapping.group ? `${target.mapping.group}/` : ''}${target.mapping.version}, Resource=${target.mapping.plural}", GroupVersionKind: "${target.mapping.group ? `${target.mapping.group}/` : ''}${target.mapping.version}, Kind=${target.mapping.kind}"\nName: ${quote(target.name)}, Namespace: ${quote(target.namespace ?? '')}`;

async function applyOnServer(call: CommandCall, target: Target, dryRun: DryRun): Promise<Applied> {
  // Who applies in the client is another manager than who lets the server do it.
  const fieldManager = call.flags.changed('field-manager') ? call.flags.string('field-manager') : 'kubectl';
  try {
    const { body } = await call.session.request<KubeObject>({
      method: 'PATCH',
      path: targetPath(target),
      query: { ...writeQuery(call, dryRun), fieldManager, force: call.flags.bool('force-conflicts') || undefined },
      contentType: 'application/apply-patch+yaml',
      body: toYaml(target.manifest!.object),
    });
    return { operation: 'serverside-applied', object: body };
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'Conflict') throw error;
    throw new ApiError({
      ...error.status,
      message: `${error.message}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the \`--force-conflicts\` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`,
    });
  }
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  if (call.args.length > 0)
    throw new KubectlError(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`);
  if (flags.list('filename').length === 0 && !flags.string('kustomize'))
    throw new KubectlError('must specify one of -f and -k');
  const dryRun = dryRunOf(call);
  const onServer = flags.bool('server-side');
  if (onServer && dryRun === 'client') {
    throw new KubectlError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
  }
  if (flags.bool('force-conflicts') && !onServer)
    throw new KubectlError('--force-conflicts only works with --server-side');
  const manifests = (await manifestsOf(call)).filter(({ object }) =>
    matchesText(flags.string('selector'), object.metadata?.labels),
  );
  if (manifests.length === 0) throw new KubectlError('no objects passed to apply');
  const printer = await ResultPrinter.create(call, dryRun);
  const errors = await forEachTarget(manifests, async (manifest) => {
    const target = await manifestTarget(call, manifest);
    if (!target.name) {
      const generated = manifest.object.metadata?.generateName;
      throw new KubectlError(
        generated
          ? `from ${generated}: cannot use generate name with apply`
          : `error when retrieving current configuration of:\n${describeTarget(target)}\nfrom server for: ${quote(manifest.source)}: resource name may not be empty`,
      );
    }
    let applied: Applied;
    try {
      applied = onServer ? await applyOnServer(call, target, dryRun) : await applyThreeWay(call, target, dryRun);
    } catch (error) {
      throw error instanceof ApiError && !error.message.startsWith('error when') && error.reason !== 'Invalid'
        ? prefixed(error, `error when creating ${quote(manifest.source)}: `)
        : error;
    }
    printer.done(target, applied.operation, applied.object);
  });
  throwAll(errors);
}

export const apply: Command = {
  name: 'apply',
  summary: 'Apply a configuration to a resource by file name or stdin',
  usage: '(-f FILENAME)',
  examples: [
    ['Apply the objects of a file', 'kubectl apply -f web.yaml'],
    ['Apply what a command prints', 'cat web.yaml | kubectl apply -f -'],
    ['See what would change, without changing it', 'kubectl apply -f web.yaml --dry-run=server'],
  ],
  flags: [
    ...filenameFlags,
    selectorFlag,
    dryRunFlag,
    validateFlag,
    fieldManagerFlag('kubectl-client-side-apply'),
    { name: 'server-side', type: 'bool', default: 'false', help: 'Let the server merge (server-side apply).' },
    {
      name: 'force-conflicts',
      type: 'bool',
      default: 'false',
      help: 'With --server-side, take fields over from other managers.',
    },
    { name: 'overwrite', type: 'bool', default: 'true', help: 'Accepted; the file always wins over what is stored.' },
    { name: 'wait', type: 'bool', default: 'false', help: 'Accepted; nothing is deleted by apply.' },
    ...printFlags,
  ],
  run,
};
