import type { ASTNode } from '@marcbachmann/cel-js';
import { regexpFault } from '../regexp';

/** What one evaluation may cost: what Kubernetes allows an expression. */
const budget = 1_000_000;
/** How much text is read for one unit. */
export const charactersPerUnit = 10;
/** What `matches` is called in expressions that run: a search in linear time in place of JavaScript's. */
export const linearMatches = 'matchesInLinearTime';

const exceeded = 'operation cancelled: actual cost limit exceeded';
let left = budget;

/** Evaluates within a budget of its own. @throws Error when it does not suffice */
export function withBudget<T>(run: () => T): T {
  const before = left;
  left = budget;
  try {
    const value = run();
    // A quantifier may have swallowed what a step threw.
    if (left < 0) throw new Error(exceeded);
    return value;
  } catch (error) {
    throw left < 0 ? new Error(exceeded) : error;
  } finally {
    left = before;
  }
}

/** Takes from the budget of the evaluation that runs. @throws Error when it is used up */
export function spend(units: number): void {
  left -= units;
  if (left < 0) throw new Error(exceeded);
}

type Evaluate = (evaluator: unknown, node: ASTNode, context: unknown) => unknown;
interface Node {
  op: string;
  args: unknown;
  meta: { alternate?: Node };
  start: number;
  evaluate: Evaluate;
}

/**
 * Makes the steps of an expression pay: a unit for each call and each step of a comprehension,
 * and more for what is as long as its text or its list. Done once, before it runs.
 * @throws InvalidPattern
 */
export function meter(root: ASTNode): void {
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) {
      for (const inner of value) visit(inner);
      return;
    }
    if (!isNode(value)) {
      // What a comprehension is made of.
      if (Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(visit);
      return;
    }
    const { op, args } = value;
    visit(args);
    visit(value.meta.alternate);
    if (op === 'rcall' && Array.isArray(args) && args[0] === 'matches') {
      args[0] = linearMatches;
      checkPattern(args[2]?.[0]);
    }
    if (op === 'comprehension') {
      // The list that it makes grows by one with each of its steps.
      pay(value, false);
      pay((args as { step: Node }).step, false);
    } else if (op === 'rcall' || op === 'call' || op === '+') pay(value, value.meta.alternate === undefined);
  };
  visit(root);
}

/** @throws InvalidPattern for one that stands in the expression and is none */
function checkPattern(node: Node | undefined): void {
  if (node?.op !== 'value' || typeof node.args !== 'string') return;
  if (regexpFault(node.args) !== undefined) throw new InvalidPattern(node.start);
}

/** A pattern that no text can be searched with. */
export class InvalidPattern extends Error {
  readonly range: { start: number };

  /** @param start where it stands in the expression */
  constructor(start: number) {
    super('invalid matches argument');
    this.range = { start };
  }
}

const isNode = (value: object): value is Node => 'op' in value && 'meta' in value && 'evaluate' in value;

const paying = new WeakSet<Node>();

/** A node puts its way of evaluating in place when it first runs: it is asked for each time. */
function pay(node: Node, forResult: boolean): void {
  if (paying.has(node)) return;
  paying.add(node);
  let inner: Evaluate = node.evaluate;
  const paid: Evaluate = (evaluator, self, context) => {
    spend(1);
    const value = inner.call(node, evaluator, self, context);
    if (forResult && typeof value === 'string') spend(value.length / charactersPerUnit);
    else if (forResult && Array.isArray(value)) spend(value.length);
    return value;
  };
  Object.defineProperty(node, 'evaluate', {
    get: () => paid,
    set(evaluate: Evaluate) {
      inner = evaluate;
    },
  });
}
