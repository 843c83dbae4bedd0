import type { ValidatingAdmissionPolicy } from '@shared/k8s';
import { compileAdmissionExpression } from '../../../api/admissionregistration/expressions';
import { CelError, celValue, type CelProgram } from '../../../api/schema/cel';
import { lazily } from '../bindings';

type Policy = NonNullable<ValidatingAdmissionPolicy['spec']>;

/** What a policy found against a request. */
export interface Finding {
  message: string;
  reason: string;
}

interface Compiled {
  variables: readonly { name: string; program: CelProgram }[];
  validations: readonly {
    expression: string;
    program: CelProgram;
    message?: string;
    messageProgram?: CelProgram;
    reason: string;
  }[];
}

const compiled = new WeakMap<Policy, Compiled>();

/** The programs of a policy, compiled once. @throws CelError */
function compile(policy: Policy): Compiled {
  let programs = compiled.get(policy);
  if (programs) return programs;
  const scope = { params: policy.paramKind !== undefined, variables: true };
  programs = {
    variables: (policy.variables ?? []).map(({ name, expression }) => ({
      name,
      program: compileAdmissionExpression(expression, undefined, scope),
    })),
    validations: (policy.validations ?? []).map(({ expression, message, messageExpression, reason }) => ({
      expression,
      program: compileAdmissionExpression(expression, 'bool', scope),
      message: message?.trim(),
      messageProgram: messageExpression ? compileAdmissionExpression(messageExpression, 'string', scope) : undefined,
      reason: reason ?? 'Invalid',
    })),
  };
  compiled.set(policy, programs);
  return programs;
}

/**
 * Every validation that does not hold. One that cannot be evaluated does not hold either, unless
 * the policy fails open.
 * @param bindings what expressions see, `params` among it where the policy has some
 */
export function findingsOf(policy: Policy, bindings: Bindings): Finding[] {
  const { variables, validations } = compile(policy);
  const scope = withVariables(bindings, variables);
  return validations.flatMap(({ expression, program, message, messageProgram, reason }) => {
    try {
      if (program.evaluate(scope) === true) return [];
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      if (policy.failurePolicy === 'Ignore') return [];
      return [{ message: `expression '${expression}' resulted in error: ${error.message}`, reason: 'Invalid' }];
    }
    const told = messageProgram && evaluated(messageProgram, scope);
    return [{ message: told || message || `failed expression: ${expression}`, reason }];
  });
}

type Bindings = Readonly<Record<string, unknown>>;

/** Each variable sees those before it, and is worked out when it is first asked for. */
function withVariables(bindings: Bindings, variables: Compiled['variables']): Bindings {
  const known: PropertyDescriptorMap = {};
  const scopeOf = (): Bindings => joined({ ...Object.getOwnPropertyDescriptors(bindings), ...valueOf(joined(known)) });
  for (const { name, program } of variables) {
    const scope = scopeOf();
    const own = lazily({ [name]: () => celValue(program.evaluate(scope)) });
    known[name] = Object.getOwnPropertyDescriptor(own, name)!;
  }
  return scopeOf();
}

const joined = (fields: PropertyDescriptorMap): Bindings => Object.create(null, fields);
const valueOf = (variables: Bindings): PropertyDescriptorMap => ({ variables: { value: variables, enumerable: true } });

/** The text of a message expression; nothing when it fails or says nothing that fits in a line. */
function evaluated(program: CelProgram, scope: Bindings): string {
  try {
    const text = String(program.evaluate(scope)).trim();
    return text.includes('\n') ? '' : text;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return '';
  }
}
