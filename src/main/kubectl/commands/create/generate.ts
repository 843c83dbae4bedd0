import type { KubeObject } from '@shared/k8s';
import { ApiError } from '../../../cluster/api/errors';
import { createTarget, dryRunOf, ResultPrinter } from '../../actions';
import { dryRunFlag, fieldManagerFlag, printFlags, validateFlag, type Command, type CommandCall } from '../../command';
import { KubectlError, usageError } from '../../errors';
import type { Flag } from '../../flags';
import { withLastApplied } from '../../merge/last-applied';
import { mappingOf } from '../../resources';

/** Flags of every command that makes one object. */
export const generatorFlags: Flag[] = [
  dryRunFlag,
  validateFlag,
  fieldManagerFlag('kubectl-create'),
  {
    name: 'save-config',
    type: 'bool',
    default: 'false',
    help: 'Keep the configuration in the annotation that apply uses.',
  },
  ...printFlags,
];

/** The one NAME such a command takes. @throws KubectlError */
export function exactName(call: CommandCall): string {
  const names = call.dash < 0 ? call.args : call.args.slice(0, call.dash);
  if (names.length !== 1) throw usageError(call.path, `exactly one NAME is required, got ${names.length}`);
  return names[0]!;
}

/**
 * Creates the object and says so.
 * @param what what a failure is said to have been: `configmap`, `NodePort service`; the server's own words alone without
 * @param done what is said of the object once it is there
 * @throws KubectlError, ApiError
 */
export async function createGenerated(
  call: CommandCall,
  object: KubeObject,
  what?: string,
  done = 'created',
): Promise<void> {
  const dryRun = dryRunOf(call);
  const printer = await ResultPrinter.create(call, dryRun);
  const namespaced = !['Namespace', 'PriorityClass', 'ClusterRole', 'ClusterRoleBinding'].includes(object.kind ?? '');
  // A client dry run prints without asking the server; a namespace shows only when -n names one.
  if (namespaced && (dryRun !== 'client' || call.session.namespaceGiven)) {
    object = { ...object, metadata: { ...object.metadata, namespace: await call.session.namespace() } };
  }
  if (call.flags.bool('save-config')) object = withLastApplied(object);
  const [group, version] = object.apiVersion!.includes('/') ? object.apiVersion!.split('/') : ['', object.apiVersion!];
  if (dryRun === 'client') {
    const mapping = { group: group!, version: version!, kind: object.kind!, plural: '', namespaced };
    printer.done(
      {
        mapping: { ...mapping, singular: '', shortNames: [], categories: [], verbs: [], subresources: [] },
        name: object.metadata!.name!,
      },
      done,
      object,
    );
    return;
  }
  const mapping = mappingOf(await call.session.discovery(), { object, source: 'the command line' });
  const target = { mapping, namespace: object.metadata?.namespace, name: object.metadata!.name! };
  try {
    printer.done(target, done, await createTarget(call, target, object, dryRun));
  } catch (error) {
    if (!what || !(error instanceof ApiError)) throw error;
    throw new KubectlError(`failed to create ${what}: ${error.message}`);
  }
}

/** A command that makes one object from its name and flags. */
export function generator(
  command: Omit<Command, 'run'>,
  make: (call: CommandCall, name: string) => Promise<KubeObject> | KubeObject,
  what?: string,
): Command {
  return {
    ...command,
    flags: [...(command.flags ?? []), ...generatorFlags],
    run: async (call) => createGenerated(call, await make(call, exactName(call)), what),
  };
}

/** `key=value` pairs. @throws KubectlError */
export function parsePairs(pairs: readonly string[], what: string): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new KubectlError(`invalid ${what} ${pair}, expected key=value`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
