import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { registerKubernetesFunctions } from './functions';
import { declareType, type CelSchema } from './types';
import { InvalidPattern, meter, withBudget } from './metered';
import { plainValue } from './values';

export { typedValue, type CelSchema } from './types';
export { celValue, optionalValue } from './values';
export { authorizerType, CelAuthorizer, type Decide } from './authorizer';

/** What a variable is: a CEL type by name (`dyn`, `string`, `map<string, dyn>` …) or the structural schema of a value. */
export type CelType = string | CelSchema;

export interface CelOptions {
  /** What the expression has to be (`bool`, `string`); anything unless told. */
  returns?: string;
}

/** An expression that compiled. Evaluating it never changes what it is given. */
export interface CelProgram {
  readonly expression: string;
  /** The variables the expression mentions. */
  readonly references: ReadonlySet<string>;
  /**
   * The expression's value, whole numbers as numbers.
   * @param bindings values by variable; convert JSON with `celValue` first, so that whole numbers are ints
   * @throws CelError when the evaluation fails: a missing key, a division by zero, too much work
   */
  evaluate(bindings: Readonly<Record<string, unknown>>): unknown;
}

/** An expression that does not compile or cannot be evaluated, in one line as far as CEL itself would say it. */
export class CelError extends Error {}

const limits = { maxAstNodes: 10_000, maxDepth: 60, maxListElements: 1000, maxMapEntries: 1000, maxCallArguments: 32 };
let base: Environment | undefined;

/** The language with the functions that Kubernetes adds; made once. */
function language(): Environment {
  return (base ??= registerKubernetesFunctions(
    new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits }),
  ));
}

/**
 * Compiles a CEL expression over some variables. Fields of variables with a schema
 * are checked as far as the schema knows them.
 * @throws CelError that says what is wrong and where
 */
export function compileCel(
  expression: string,
  variables: Readonly<Record<string, CelType>>,
  { returns }: CelOptions = {},
): CelProgram {
  const checked = language().clone();
  const known = new Map<CelSchema, string>();
  const running = language().clone();
  for (const [name, type] of Object.entries(variables)) {
    checked.registerVariable(name, typeof type === 'string' ? type : declareType(checked, type, known));
    running.registerVariable(name, 'dyn');
  }
  const { valid, type, error } = checked.check(expression);
  if (!valid) throw new CelError(compileMessage(expression, error!));
  if (returns !== undefined && type !== returns && type !== 'dyn') {
    throw new CelError(`must evaluate to a ${returns}`);
  }
  const run = running.parse(expression);
  try {
    meter(run.ast);
  } catch (thrown) {
    throw thrown instanceof InvalidPattern ? new CelError(compileMessage(expression, thrown)) : thrown;
  }
  return {
    expression,
    references: identifiers(run.ast, new Set()),
    evaluate(bindings) {
      let value: unknown;
      try {
        value = withBudget(() => plainValue(run(bindings as Record<string, unknown>)));
      } catch (thrown) {
        throw new CelError(summaryOf(thrown));
      }
      if (returns === 'bool' && typeof value !== 'boolean') throw new CelError('did not evaluate to a bool');
      if (returns === 'string' && typeof value !== 'string') throw new CelError('did not evaluate to a string');
      return value;
    },
  };
}

function identifiers(node: ASTNode | undefined, found: Set<string>): Set<string> {
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const inner of value) visit(inner);
    else if (typeof value === 'object' && value !== null && 'op' in value) identifiers(value as ASTNode, found);
  };
  if (node?.op === 'id') found.add(node.args);
  else if (node) visit(node.args);
  return found;
}

interface Located {
  message: string;
  summary?: string;
  range?: { start: number };
}

const summaryOf = (thrown: unknown): string =>
  ((thrown as Located).summary ?? (thrown as Error).message).replace(/^No such key/, 'no such key');

/** The compiler's message with the place it speaks of, as CEL's own compiler shows it. */
function compileMessage(expression: string, error: Located): string {
  const summary = summaryOf(error)
    .replace(/^no such key: (.*)$/, "undefined field '$1'")
    .replace(/^Unknown variable: (\S+)$/, "undeclared reference to '$1' (in container '')");
  const start = error.range?.start ?? 0;
  const before = expression.slice(0, start).split('\n');
  const line = expression.split('\n')[before.length - 1] ?? '';
  const column = before.at(-1)!.length;
  const place = `<input>:${before.length}:${column + 1}`;
  return `compilation failed: ERROR: ${place}: ${summary}\n | ${line}\n | ${'.'.repeat(column)}^`;
}
