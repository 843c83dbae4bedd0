import type { ValidatingAdmissionPolicy } from '@shared/k8s';
import { compileAdmissionExpression } from '../../../api/admissionregistration/expressions';
import { CelError, celValue, type CelProgram } from '../../../api/schema/cel';
import { lazily } from '../bindings';

type Policy = NonNullable<ValidatingAdmissionPolicy['spec']>;

/** What a policy found against a request. */
export interface Finding {
  message: string;
  reason: string;
  /** Which of its validations; 0 for what failed before any of them. */
  expressionIndex: number;
}

/** What a policy says of a request. */
export interface Evaluation {
  findings: Finding[];
  /** What it notes in the audit log, by its own keys. */
  notes: { key: string; value: string }[];
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
  auditAnnotations: readonly { key: string; expression: string; program: CelProgram }[];
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
    auditAnnotations: (policy.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      expression: valueExpression,
      program: compileAdmissionExpression(valueExpression, undefined, scope),
    })),
  };
  compiled.set(policy, programs);
  return programs;
}

/**
 * Every validation that does not hold, and what is to be noted. One that cannot be evaluated does not hold either, unless
 * the policy fails open.
 * @param bindings what expressions see, `params` among it where the policy has some
 */
export function evaluate(policy: Policy, bindings: Bindings): Evaluation {
  const { variables, validations, auditAnnotations } = compile(policy);
  const scope = withVariables(bindings, variables);
  const failed = (expression: string, error: unknown, expressionIndex: number): Finding[] => {
    if (!(error instanceof CelError)) throw error;
    if (policy.failurePolicy === 'Ignore') return [];
    const message = `expression '${expression}' resulted in error: ${error.message}`;
    return [{ message, reason: 'Invalid', expressionIndex }];
  };
  const findings = validations.flatMap(({ expression, program, message, messageProgram, reason }, expressionIndex) => {
    try {
      if (program.evaluate(scope) === true) return [];
    } catch (error) {
      return failed(expression, error, expressionIndex);
    }
    const told = messageProgram && evaluated(messageProgram, scope);
    return [{ message: told || message || `failed expression: ${expression}`, reason, expressionIndex }];
  });
  const notes = auditAnnotations.flatMap(({ key, expression, program }) => {
    try {
      const value = program.evaluate(scope);
      // Null means that there is nothing to note.
      if (value === null) return [];
      if (typeof value !== 'string') throw new CelError('valueExpression must evaluate to a string or null');
      return value.trim() === '' ? [] : [{ key, value: value.trim() }];
    } catch (error) {
      findings.push(...failed(expression, error, 0));
      return [];
    }
  });
  return { findings, notes };
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
