import { authorizerType, CelError, compileCel, type CelProgram } from '../schema/cel';
import type { FieldError } from '../kind';
import { invalid, required } from '../validation/field';

/** What expressions of admission may speak of. */
export interface ExpressionScope {
  params?: boolean;
  variables?: boolean;
}

/** Compiles an expression of a webhook or an admission policy. @throws CelError */
export function compileAdmissionExpression(
  expression: string,
  returns: 'bool' | 'string' | undefined,
  { params, variables }: ExpressionScope = {},
): CelProgram {
  return compileCel(
    expression,
    {
      object: 'dyn',
      oldObject: 'dyn',
      request: 'dyn',
      namespaceObject: 'dyn',
      authorizer: authorizerType,
      ...(params ? { params: 'dyn' } : {}),
      ...(variables ? { variables: 'dyn' } : {}),
    },
    returns ? { returns } : {},
  );
}

/** Faults of an expression: it is missing or does not compile. */
export function validateExpression(
  path: string,
  expression: string | undefined,
  returns: 'bool' | 'string' | undefined,
  scope?: ExpressionScope,
): FieldError[] {
  if (!expression?.trim()) return [required(path, 'expression is not specified')];
  try {
    compileAdmissionExpression(expression, returns, scope);
    return [];
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return [invalid(path, expression, error.message)];
  }
}

/** Faults of conditions that a request must meet to be looked at. */
export function validateConditions(
  path: string,
  conditions: readonly { name: string; expression: string }[] | undefined,
  scope?: ExpressionScope,
): FieldError[] {
  const names = new Set<string>();
  return (conditions ?? []).flatMap(({ name, expression }, index) => {
    const at = `${path}[${index}]`;
    const errors = name ? [] : [required(`${at}.name`)];
    if (names.has(name)) errors.push({ type: 'Duplicate', field: `${at}.name`, value: name, detail: '' });
    names.add(name);
    return [...errors, ...validateExpression(`${at}.expression`, expression, 'bool', scope)];
  });
}
