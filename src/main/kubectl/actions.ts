import type { KubeObject } from '@shared/k8s';
import type { PatchType } from '../cluster/client/types';
import type { CommandCall } from './command';
import { objectName } from './discovery';
import { KubectlError, quote } from './errors';
import { resourcePath } from '../cluster/client/resources';
import { objectPrinter } from './output/printer';
import { targetPath, type Target } from './resources';

export type DryRun = 'none' | 'client' | 'server';

/** What --dry-run asks for. @throws KubectlError for values that are none */
export function dryRunOf(call: CommandCall): DryRun {
  const value = call.flags.string('dry-run');
  switch (value) {
    case 'none':
    case 'client':
    case 'server':
      return value;
    case 'unchanged':
    case 'true':
      call.err('Warning: --dry-run is deprecated and can be replaced with --dry-run=client.\n');
      return 'client';
    case 'false':
      return 'none';
    default:
      throw new KubectlError(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
  }
}

const suffix = { none: '', client: ' (dry run)', server: ' (server dry run)' };

/** The query of writing requests: dry run, field manager, field validation. */
export function writeQuery(call: CommandCall, dryRun: DryRun = 'none'): Record<string, string | undefined> {
  const { flags } = call;
  const validation: Record<string, string> = {
    strict: 'Strict',
    true: 'Strict',
    warn: 'Warn',
    ignore: 'Ignore',
    false: 'Ignore',
  };
  let fieldValidation: string | undefined;
  if (flags.has('validate')) {
    fieldValidation = validation[flags.string('validate')];
    if (!fieldValidation) {
      throw new KubectlError(
        `invalid - validate option ${quote(flags.string('validate'))}; must be one of: strict (or true), warn, ignore (or false)`,
      );
    }
  }
  return {
    fieldManager: flags.has('field-manager') ? flags.string('field-manager') : undefined,
    fieldValidation,
    dryRun: dryRun === 'server' ? 'All' : undefined,
  };
}

export const patchContentTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

/** Whether the server merges this resource's lists by their keys (all but custom resources). */
export const mergesStrategically = (target: Pick<Target, 'mapping'>): boolean => {
  const { group } = target.mapping;
  return !group.includes('.') || group.endsWith('.k8s.io');
};

/** Patches a target; `strategic` falls to `merge` for custom resources. @throws ApiError */
export async function patchTarget(
  call: CommandCall,
  target: Target,
  patch: unknown,
  options: { type?: PatchType; subresource?: string; dryRun?: DryRun } = {},
): Promise<KubeObject> {
  const wanted = options.type ?? 'strategic';
  const type = wanted === 'strategic' && !mergesStrategically(target) ? 'merge' : wanted;
  const { body } = await call.session.request<KubeObject>({
    method: 'PATCH',
    path: targetPath(target, options.subresource),
    query: writeQuery(call, options.dryRun),
    contentType: patchContentTypes[type],
    body: patch,
  });
  return body;
}

/** Creates an object of the target's resource. @throws ApiError */
export async function createTarget(
  call: CommandCall,
  target: Target,
  object: KubeObject,
  dryRun: DryRun,
): Promise<KubeObject> {
  if (dryRun === 'client') return object;
  const { body } = await call.session.request<KubeObject>({
    method: 'POST',
    path: resourcePath(target.mapping, target.namespace),
    query: writeQuery(call, dryRun),
    body: object,
  });
  return body;
}

/** Says what was done to objects: `deployment.apps/web scaled`, or the object itself with -o. */
export class ResultPrinter {
  private first = true;
  private constructor(
    private readonly call: CommandCall,
    private readonly print: Awaited<ReturnType<typeof objectPrinter>>,
    private readonly dryRun: DryRun,
  ) {}

  static async create(call: CommandCall, dryRun: DryRun = 'none'): Promise<ResultPrinter> {
    const print = call.flags.has('output') ? await objectPrinter(call) : undefined;
    return new ResultPrinter(call, print, dryRun);
  }

  done(target: Pick<Target, 'mapping' | 'name'>, operation: string, object?: KubeObject): void {
    if (this.print && object) {
      this.call.out(this.print(object, this.first));
      this.first = false;
      return;
    }
    this.call.out(`${objectName(target.mapping, target.name)} ${operation}${suffix[this.dryRun]}\n`);
  }
}

/** Runs an action for each target in turn; failures are collected, the others still run. */
export async function forEachTarget<T>(
  targets: readonly T[],
  action: (target: T) => Promise<void>,
): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const target of targets) {
    try {
      await action(target);
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}
