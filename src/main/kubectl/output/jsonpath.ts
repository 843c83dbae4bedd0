/** JSONPath as kubectl knows it: a template with `{…}` actions. */
import { toJson } from './yaml';

type Step =
  | { type: 'field'; name: string }
  | { type: 'wildcard' }
  | { type: 'recursive' }
  | { type: 'slice'; from?: number; to?: number; step?: number }
  | { type: 'index'; at: number }
  | { type: 'union'; paths: Step[][] }
  | { type: 'filter'; left: Operand; operator?: string; right?: Operand };

type Operand = { path: Step[]; root: boolean } | { value: unknown };

type Node =
  { type: 'text'; text: string } | { type: 'path'; steps: Step[] } | { type: 'range'; steps: Step[]; body: Node[] };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Thrown for templates that are none, and for indexes beyond an array. */
export class JsonPathError extends Error {}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char);
}

/** Reads one path: `.a['b'][0:2][?(@.x=="y")]..c[*]`. */
class PathReader {
  private at = 0;
  constructor(private readonly text: string) {}

  read(): Step[] {
    const steps: Step[] = [];
    if (this.text.startsWith('$') || this.text.startsWith('@')) this.at++;
    while (this.at < this.text.length) {
      const char = this.text[this.at]!;
      if (char === '.') {
        this.at++;
        if (this.text[this.at] === '.') {
          this.at++;
          steps.push({ type: 'recursive' });
        }
        if (this.text[this.at] === '[' || this.at >= this.text.length) continue;
        steps.push(this.name());
      } else if (char === '[') steps.push(this.bracket());
      else if (char === ' ') this.at++;
      else steps.push(this.name());
    }
    return steps;
  }

  private name(): Step {
    let name = '';
    while (this.at < this.text.length && !'.[ '.includes(this.text[this.at]!)) {
      if (this.text[this.at] === '\\') this.at++;
      name += this.text[this.at++] ?? '';
    }
    return name === '*' ? { type: 'wildcard' } : { type: 'field', name };
  }

  private bracket(): Step {
    const start = this.at + 1;
    let depth = 0;
    let quoted = '';
    for (; this.at < this.text.length; this.at++) {
      const char = this.text[this.at]!;
      if (quoted) {
        if (char === '\\') this.at++;
        else if (char === quoted) quoted = '';
      } else if (char === '"' || char === "'") quoted = char;
      else if (char === '[') depth++;
      else if (char === ']' && --depth === 0) break;
    }
    if (this.at >= this.text.length) throw new JsonPathError('unterminated array');
    return bracketStep(this.text.slice(start, this.at++).trim());
  }
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [''];
  let quoted = '';
  for (const char of text) {
    if (quoted) quoted = char === quoted ? '' : quoted;
    else if (char === '"' || char === "'") quoted = char;
    if (char === separator && !quoted) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

function bracketStep(inner: string): Step {
  if (inner === '*') return { type: 'wildcard' };
  const filter = /^\?\((.*)\)$/s.exec(inner);
  if (filter) return filterStep(filter[1]!.trim());
  const parts = splitOutsideQuotes(inner, ',').map((part) => part.trim());
  if (parts.length > 1) return { type: 'union', paths: parts.map((part) => [bracketStep(part)]) };
  if (/^'.*'$|^".*"$/s.test(inner)) return { type: 'field', name: unquote(inner) };
  if (/^-?\d+$/.test(inner)) return { type: 'index', at: Number(inner) };
  const slice = /^(-?\d*)?:(-?\d*)?(?::(-?\d*))?$/.exec(inner);
  if (slice) {
    const [from, to, step] = slice.slice(1).map((part) => (part ? Number(part) : undefined));
    return { type: 'slice', from, to, step };
  }
  if (/^[.@$]/.test(inner)) return { type: 'union', paths: [new PathReader(inner).read()] };
  throw new JsonPathError(`invalid array index ${inner}`);
}

function operand(text: string): Operand {
  const trimmed = text.trim();
  if (/^'.*'$|^".*"$/s.test(trimmed)) return { value: unquote(trimmed) };
  if (trimmed === 'true' || trimmed === 'false') return { value: trimmed === 'true' };
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return { value: Number(trimmed) };
  return { path: new PathReader(trimmed).read(), root: trimmed.startsWith('$') };
}

function filterStep(text: string): Step {
  let quoted = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quoted) quoted = char === quoted ? '' : quoted;
    else if (char === '"' || char === "'") quoted = char;
    else {
      const operator = ['==', '!=', '<=', '>=', '=~', '<', '>'].find((sign) => text.startsWith(sign, at));
      if (operator === '=~') throw new JsonPathError('unrecognized filter operator =~');
      if (operator) {
        return {
          type: 'filter',
          left: operand(text.slice(0, at)),
          operator,
          right: operand(text.slice(at + operator.length)),
        };
      }
    }
  }
  return { type: 'filter', left: operand(text) };
}

function everything(value: unknown): unknown[] {
  const children = Array.isArray(value) ? value : isObject(value) ? sortedValues(value) : [];
  return [value, ...children.flatMap(everything)];
}

const sortedValues = (value: Record<string, unknown>): unknown[] =>
  Object.keys(value)
    .sort()
    .map((key) => value[key]);

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const [a, b] = [left, right as typeof left];
  return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b;
}

interface Scope {
  root: unknown;
  allowMissing: boolean;
}

function operandValues(side: Operand, item: unknown, scope: Scope): unknown[] {
  if ('value' in side) return [side.value];
  return walk([side.root ? scope.root : item], side.path, { ...scope, allowMissing: true });
}

function apply(value: unknown, step: Step, scope: Scope): unknown[] {
  switch (step.type) {
    case 'field': {
      if (isObject(value) && value[step.name] !== undefined) return [value[step.name]];
      // A field of a list is that field of each of its items.
      if (scope.allowMissing || value === null) return [];
      throw new JsonPathError(`${step.name} is not found`);
    }
    case 'wildcard':
      return Array.isArray(value) ? value : isObject(value) ? sortedValues(value) : [];
    case 'recursive':
      return everything(value);
    case 'index': {
      if (!Array.isArray(value)) return [];
      const at = step.at < 0 ? step.at + value.length : step.at;
      if (at < 0 || at >= value.length) {
        throw new JsonPathError(`array index out of bounds: index ${step.at}, length ${value.length}`);
      }
      return [value[at]];
    }
    case 'slice': {
      if (!Array.isArray(value)) return [];
      const part = value.slice(step.from ?? 0, step.to ?? value.length);
      const stride = step.step ?? 1;
      return stride > 1 ? part.filter((_, at) => at % stride === 0) : part;
    }
    case 'union':
      return step.paths.flatMap((path) => walk([value], path, scope));
    case 'filter': {
      if (!Array.isArray(value)) return [];
      return value.filter((item) => {
        const left = operandValues(step.left, item, scope);
        if (!step.operator) return left.length > 0;
        const right = operandValues(step.right!, item, scope);
        return left.length > 0 && right.length > 0 && compare(left[0], step.operator, right[0]);
      });
    }
  }
}

function walk(values: unknown[], steps: readonly Step[], scope: Scope): unknown[] {
  let current = values;
  steps.forEach((step, at) => {
    // What a recursive descent comes by need not have the field that follows it.
    const lenient = at > 0 && steps[at - 1]!.type === 'recursive' ? { ...scope, allowMissing: true } : scope;
    current = current.flatMap((value) => {
      if (lenient !== scope && step.type === 'index' && !(Array.isArray(value) && step.at < value.length)) return [];
      return apply(value, step, lenient);
    });
  });
  return current;
}

function parseTemplate(template: string): Node[] {
  const root: Node[] = [];
  const stack: Node[][] = [root];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open < 0 || open > at) {
      stack.at(-1)!.push({ type: 'text', text: template.slice(at, open < 0 ? undefined : open) });
      if (open < 0) break;
    }
    const close = closing(template, open);
    if (close < 0) throw new JsonPathError('unclosed action');
    const action = template.slice(open + 1, close).trim();
    at = close + 1;
    if (action === 'end') {
      if (stack.length === 1) throw new JsonPathError('not in range, nothing to end');
      stack.pop();
    } else if (/^range(?=[\s.@$[])/.test(action)) {
      const body: Node[] = [];
      stack.at(-1)!.push({ type: 'range', steps: new PathReader(action.slice(5).trim()).read(), body });
      stack.push(body);
    } else stack.at(-1)!.push(...actionNodes(action));
  }
  if (stack.length > 1) throw new JsonPathError('unclosed range');
  return root;
}

function actionNodes(action: string): Node[] {
  if (/^'.*'$|^".*"$/s.test(action)) return [{ type: 'text', text: unquote(action) }];
  if (/^-?\d+$/.test(action)) return [{ type: 'text', text: action }];
  if (!/^[.@$[]/.test(action)) throw new JsonPathError(`unrecognized identifier ${action}`);
  return [{ type: 'path', steps: new PathReader(action).read() }];
}

function closing(template: string, open: number): number {
  let quoted = '';
  for (let at = open + 1; at < template.length; at++) {
    const char = template[at]!;
    if (quoted) {
      if (char === '\\') at++;
      else if (char === quoted) quoted = '';
    } else if (char === '"' || char === "'") quoted = char;
    else if (char === '}') return at;
  }
  return -1;
}

/** A value as a template prints it. */
export function printValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? toJson(value, 0) : String(value);
}

export interface JsonPath {
  /** The text of the template for an object. @throws JsonPathError */
  print(object: unknown): string;
  /** The values each path of the template finds. @throws JsonPathError */
  find(object: unknown): unknown[];
}

/** @throws JsonPathError when the template is malformed */
export function compileJsonPath(template: string, options: { allowMissing?: boolean } = {}): JsonPath {
  const nodes = parseTemplate(template);
  const allowMissing = options.allowMissing ?? true;
  const run = (list: readonly Node[], current: unknown, scope: Scope): string =>
    list
      .map((node) => {
        if (node.type === 'text') return node.text;
        const values = walk([current], node.steps, scope);
        if (node.type === 'path') return values.map(printValue).join(' ');
        return values.map((value) => run(node.body, value, scope)).join('');
      })
      .join('');
  return {
    print: (object) => run(nodes, object, { root: object, allowMissing }),
    find: (object) =>
      nodes.flatMap((node) => (node.type === 'path' ? walk([object], node.steps, { root: object, allowMissing }) : [])),
  };
}

/** Accepts `.a.b`, `a.b` and `{.a.b}`: the form of --sort-by and custom columns. @throws JsonPathError */
export function relaxedPath(expression: string): string {
  const match = /^\{?\s*\.?([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}?$/.exec(expression.trim());
  if (!match || !match[1]) {
    throw new JsonPathError(
      `unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`,
    );
  }
  return match[1].startsWith('[') ? `{${match[1]}}` : `{.${match[1]}}`;
}
