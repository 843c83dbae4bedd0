import { compileAdmissionExpression, type ExpressionScope } from '../../api/admissionregistration/expressions';
import { CelError, type CelProgram } from '../../api/schema/cel';

const compiled = new WeakMap<readonly object[], readonly CelProgram[]>();

/**
 * Whether a request meets every condition. One that is false decides, whatever else fails.
 * @throws CelError when one cannot be evaluated and none is false
 */
export function meetsConditions(
  conditions: readonly { name: string; expression: string }[] | undefined,
  bindings: Readonly<Record<string, unknown>>,
  scope?: ExpressionScope,
): boolean {
  if (!conditions?.length) return true;
  let programs = compiled.get(conditions);
  if (!programs) {
    programs = conditions.map(({ expression }) => compileAdmissionExpression(expression, 'bool', scope));
    compiled.set(conditions, programs);
  }
  const failures: string[] = [];
  for (const [index, program] of programs.entries()) {
    try {
      if (program.evaluate(bindings) !== true) return false;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      failures.push(`expression '${conditions[index]!.expression}' resulted in error: ${error.message}`);
    }
  }
  if (failures.length > 0) throw new CelError(failures.length === 1 ? failures[0]! : `[${failures.join(', ')}]`);
  return true;
}
