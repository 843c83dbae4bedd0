import { createTarget, dryRunOf, forEachTarget, ResultPrinter } from '../../actions';
import { filenameFlags, selectorFlag, type Command, type CommandCall } from '../../command';
import { KubectlError, prefixed, quote, throwAll, usageError } from '../../errors';
import { withLastApplied } from '../../merge/last-applied';
import { manifestsOf, manifestTarget } from '../../resources';
import { matchesText } from '../../selector';
import { createConfigMap } from './configmap';
import { createDeployment } from './deployment';
import { generatorFlags } from './generate';
import { createIngress } from './ingress';
import { createCronJob, createJob } from './job';
import { createPodDisruptionBudget, createPriorityClass } from './policy';
import { createQuota } from './quota';
import { createClusterRole, createRole } from './role';
import { createClusterRoleBinding, createRoleBinding } from './rolebinding';
import { createSecret } from './secret';
import { createService } from './service';
import { createNamespace, createServiceAccount } from './simple';
import { createToken } from './token';

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  if (call.args.length > 0) throw usageError('create', `Unexpected args: [${call.args.join(' ')}]`);
  if (flags.list('filename').length === 0 && !flags.string('kustomize'))
    throw new KubectlError('must specify one of -f and -k');
  const dryRun = dryRunOf(call);
  const printer = await ResultPrinter.create(call, dryRun);
  const manifests = (await manifestsOf(call)).filter(({ object }) =>
    matchesText(flags.string('selector'), object.metadata?.labels),
  );
  if (manifests.length === 0) throw new KubectlError('no objects passed to create');
  const errors = await forEachTarget(manifests, async (manifest) => {
    const target = await manifestTarget(call, manifest);
    const object = flags.bool('save-config') ? withLastApplied(target.manifest!.object) : target.manifest!.object;
    try {
      const created = await createTarget(call, target, object, dryRun);
      printer.done({ ...target, name: created.metadata?.name ?? target.name }, 'created', created);
    } catch (error) {
      throw (error as { reason?: string }).reason === 'Invalid'
        ? error
        : prefixed(error, `error when creating ${quote(manifest.source)}: `);
    }
  });
  throwAll(errors);
}

export const create: Command = {
  name: 'create',
  summary: 'Create a resource from a file or from stdin',
  usage: '-f FILENAME',
  examples: [['Create the objects of a file', 'kubectl create -f pod.yaml']],
  flags: [...filenameFlags, selectorFlag, ...generatorFlags],
  subcommands: [
    createClusterRole,
    createClusterRoleBinding,
    createConfigMap,
    createCronJob,
    createDeployment,
    createIngress,
    createJob,
    createNamespace,
    createPodDisruptionBudget,
    createPriorityClass,
    createQuota,
    createRole,
    createRoleBinding,
    createSecret,
    createService,
    createServiceAccount,
    createToken,
  ],
  run,
};
