import type { KubeObject } from '@shared/k8s';
import { filenameFlags, selectorFlag, type Command, type CommandCall } from '../command';
import { objectName, resourceName } from '../discovery';
import { isNotFound, KubectlError, quote, throwAll } from '../errors';
import { compileJsonPath, printValue, relaxedPath } from '../output/jsonpath';
import { fetchTarget, selectTargets, type Target } from '../resources';
import { followObject, timeoutText } from '../waiting';

interface Goal {
  reached(object: KubeObject | undefined): boolean;
  /** What to say when it is. */
  words: string;
}

function conditionGoal(spec: string): Goal {
  const [name = '', value = 'true'] = spec.split('=');
  return {
    words: 'condition met',
    reached(object) {
      const condition = object?.status?.conditions?.find(
        (item: { type: string }) => item.type.toLowerCase() === name.toLowerCase(),
      );
      if (!condition) return false;
      const observed = condition.observedGeneration ?? object?.status?.observedGeneration;
      if (observed !== undefined && observed < (object?.metadata?.generation ?? 0)) return false;
      return String(condition.status).toLowerCase() === value.toLowerCase();
    },
  };
}

function pathGoal(spec: string): Goal {
  const match = /^(.*?\})(?:=(.*))?$/s.exec(spec) ?? /^([^=]*)(?:=(.*))?$/s.exec(spec);
  const path = compileJsonPath(relaxedPath(match![1]!));
  const wanted = match![2]?.replace(/^(['"])(.*)\1$/, '$2');
  return {
    words: 'condition met',
    reached(object) {
      const values = object ? path.find(object) : [];
      return wanted === undefined ? values.length > 0 : values.some((value) => printValue(value) === wanted);
    },
  };
}

function goalOf(spec: string): Goal {
  if (spec.toLowerCase() === 'delete') return { words: 'deleted', reached: (object) => !object };
  if (spec.toLowerCase() === 'create') return { words: 'condition met', reached: (object) => object !== undefined };
  if (spec.startsWith('condition=')) return conditionGoal(spec.slice('condition='.length));
  if (spec.startsWith('jsonpath=')) return pathGoal(spec.slice('jsonpath='.length));
  throw new KubectlError(`unrecognized condition: ${spec ? quote(spec) : '[]'}`);
}

async function run(call: CommandCall): Promise<void> {
  const { flags } = call;
  const spec = flags.string('for');
  const goal = goalOf(spec);
  const timeout = flags.duration('timeout');
  const deadline = Date.now() + (timeout < 0 ? 7 * 24 * 3_600_000 : timeout);
  const targets = await selectTargets(call);
  if (targets.length === 0 && goal.words !== 'deleted') throw new KubectlError('no matching resources found');
  const errors: unknown[] = [];
  await Promise.all(
    targets.map(async (target: Target) => {
      try {
        // What was never there is neither waited for nor spoken of.
        if (spec !== 'create') await fetchTarget(call.session, target);
        await followObject(call, target, (object) => goal.reached(object), deadline);
        call.out(`${objectName(target.mapping, target.name)} ${goal.words}\n`);
      } catch (error) {
        if (goal.words === 'deleted' && isNotFound(error)) return;
        const late = error instanceof KubectlError && error.message === timeoutText;
        errors.push(
          late ? new KubectlError(`${timeoutText} on ${resourceName(target.mapping)}/${target.name}`) : error,
        );
      }
    }),
  );
  throwAll(errors);
}

export const wait: Command = {
  name: 'wait',
  summary: 'Wait for a specific condition on one or many resources',
  usage:
    '([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) --for=(create|delete|condition=...|jsonpath=...)',
  examples: [
    ['Until a pod is ready', 'kubectl wait --for=condition=Ready pod/web --timeout=60s'],
    ['Until it is gone', 'kubectl wait --for=delete pod/web'],
  ],
  flags: [
    ...filenameFlags,
    selectorFlag,
    { name: 'field-selector', type: 'string', help: 'Field selector.' },
    { name: 'all', type: 'bool', default: 'false', help: 'All objects of the types, in the namespace.' },
    { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'In every namespace.' },
    { name: 'for', type: 'string', help: 'create, delete, condition=NAME[=VALUE] or jsonpath={PATH}[=VALUE].' },
    { name: 'timeout', type: 'duration', default: '30s', help: 'How long to wait; below 0 for a week.' },
  ],
  run,
};
