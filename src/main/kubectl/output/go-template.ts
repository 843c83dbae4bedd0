/** The part of Go's text/template that people use with kubectl: paths, range, if, with, pipes and the usual functions. */
import { KubectlError } from '../errors';
import { goText } from './custom-columns';

interface Scope {
  dot: unknown;
  root: unknown;
  variables: Map<string, unknown>;
}

type Token = string;
type Evaluate = (scope: Scope) => unknown;
type Render = (scope: Scope) => string;

const truthy = (value: unknown): boolean => {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
};

const show = (value: unknown): string =>
  value === undefined || value === null ? '<no value>' : typeof value === 'object' ? goText(value) : String(value);

const lengthOf = (value: unknown): number =>
  typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys((value ?? {}) as object).length;

const member = (value: unknown, key: unknown): unknown => {
  if (value === null || value === undefined) return undefined;
  return (value as Record<string, unknown>)[String(key)];
};

/** `printf` with the verbs that occur in templates. */
function format(pattern: string, values: readonly unknown[]): string {
  let at = 0;
  return pattern.replace(/%(-?\d*)([svdqf%])/g, (_, width: string, verb: string) => {
    if (verb === '%') return '%';
    const value = values[at++];
    const text = verb === 'q' ? JSON.stringify(show(value)) : show(value);
    const size = Math.abs(Number(width || 0));
    return width.startsWith('-') ? text.padEnd(size) : text.padStart(size);
  });
}

const order = (a: any, b: any): number => (a < b ? -1 : a > b ? 1 : 0);

const functions: Record<string, (...args: any[]) => unknown> = {
  len: lengthOf,
  index: (value, ...keys) => keys.reduce(member, value),
  eq: (value, ...others) => others.some((other) => other === value),
  ne: (a, b) => a !== b,
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
  and: (...values) => values.find((value) => !truthy(value)) ?? values.at(-1),
  or: (...values) => values.find(truthy) ?? values.at(-1),
  not: (value) => !truthy(value),
  print: (...values) => values.map(show).join(''),
  println: (...values) => `${values.map(show).join(' ')}\n`,
  printf: (pattern: string, ...values) => format(pattern, values),
  base64decode: (text: string) => Buffer.from(text, 'base64').toString('utf8'),
  exists: (value, ...keys) => keys.reduce(member, value) !== undefined,
};

function fail(why: string): never {
  throw new KubectlError(`error parsing template: ${why}`);
}

function tokens(action: string): Token[] {
  const found = action.match(/"(?:\\.|[^"\\])*"|`[^`]*`|:=|[|()]|[^\s|()]+/g) ?? [];
  // A path that follows a parenthesis belongs to it: (index .a 0).b
  return found;
}

function literal(token: Token): { value: unknown } | undefined {
  if (token.startsWith('"')) return { value: JSON.parse(token) };
  if (token.startsWith('`')) return { value: token.slice(1, -1) };
  if (/^-?\d+(\.\d+)?$/.test(token)) return { value: Number(token) };
  if (token === 'true' || token === 'false') return { value: token === 'true' };
  return token === 'nil' ? { value: undefined } : undefined;
}

const path = (token: string): string[] => token.split('.').filter((part) => part !== '');

/** Compiles a pipeline: `.a.b | len`, `printf "%s" .x`, `index .m "k"`. */
function pipeline(list: Token[]): Evaluate {
  const stages: Token[][] = [[]];
  let depth = 0;
  for (const token of list) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === '|' && depth === 0) stages.push([]);
    else stages.at(-1)!.push(token);
  }
  const commands = stages.map(command);
  return (scope) =>
    commands.reduce<{ value: unknown; piped: boolean }>(
      (last, run) => ({ value: run(scope, last.piped ? [last.value] : []), piped: true }),
      { value: undefined, piped: false },
    ).value;
}

function command(list: Token[]): (scope: Scope, extra: unknown[]) => unknown {
  const operands: Evaluate[] = [];
  const [head = ''] = list;
  const named = Object.hasOwn(functions, head) ? functions[head] : undefined;
  for (let at = named ? 1 : 0; at < list.length; at++) {
    const token = list[at]!;
    if (token === '(') {
      let depth = 1;
      const start = at + 1;
      while (depth > 0 && ++at < list.length) depth += list[at] === '(' ? 1 : list[at] === ')' ? -1 : 0;
      const inner = pipeline(list.slice(start, at));
      const fields = list[at + 1]?.startsWith('.') ? path(list[++at]!) : [];
      operands.push((scope) => fields.reduce(member, inner(scope)));
      continue;
    }
    const constant = literal(token);
    if (constant) operands.push(() => constant.value);
    else if (token.startsWith('$')) {
      const [name = '$', ...fields] = token.split('.');
      operands.push((scope) =>
        fields.filter(Boolean).reduce(member, name === '$' ? scope.root : scope.variables.get(name)),
      );
    } else if (token.startsWith('.')) {
      const fields = path(token);
      operands.push((scope) => fields.reduce(member, scope.dot));
    } else fail(`function ${JSON.stringify(token)} not defined`);
  }
  if (named) return (scope, extra) => named(...operands.map((run) => run(scope)), ...extra);
  const first = operands[0] ?? fail('missing value for command');
  return (scope) => first(scope);
}

interface Reader {
  pieces: string[];
  at: number;
}

/** Renders pieces up to `end` or `else`; returns which word ended them. */
function block(reader: Reader, top: boolean): { render: Render; ended: string } {
  const parts: Render[] = [];
  while (reader.at < reader.pieces.length) {
    const piece = reader.pieces[reader.at]!;
    const isAction = reader.at % 2 === 1;
    reader.at++;
    if (!isAction) {
      if (piece) parts.push(() => piece);
      continue;
    }
    const action = piece.trim();
    if (action.startsWith('/*')) continue;
    const word = /^(?:if|range|with|else|end)(?!\w)/.exec(action)?.[0] ?? '';
    if (word === 'end' || word === 'else') {
      if (top) fail(`unexpected {{${action}}}`);
      return { render: joined(parts), ended: action };
    }
    parts.push(
      word === 'if' || word === 'range' || word === 'with'
        ? control(reader, word, action.slice(word.length))
        : statement(action),
    );
  }
  if (!top) fail('unexpected EOF');
  return { render: joined(parts), ended: '' };
}

const joined =
  (parts: Render[]): Render =>
  (scope) =>
    parts.map((part) => part(scope)).join('');

function statement(action: string): Render {
  const assignment = /^(\$\w+)\s*:?=\s*(.*)$/s.exec(action);
  const value = pipeline(tokens(assignment ? assignment[2]! : action));
  if (!assignment) return (scope) => show(value(scope));
  return (scope) => {
    scope.variables.set(assignment[1]!, value(scope));
    return '';
  };
}

function control(reader: Reader, word: string, condition: string): Render {
  const names = /^\s*(\$\w+)(?:\s*,\s*(\$\w+))?\s*:=\s*(.*)$/s.exec(condition);
  const value = pipeline(tokens(names ? names[3]! : condition));
  const body = block(reader, false);
  let otherwise: Render = () => '';
  if (body.ended.startsWith('else if')) otherwise = control(reader, 'if', body.ended.slice('else if'.length));
  else if (body.ended === 'else') otherwise = block(reader, false).render;
  const bind = (scope: Scope, dot: unknown, key: unknown): Scope => {
    const variables = new Map(scope.variables);
    if (names?.[2]) variables.set(names[1]!, key).set(names[2], dot);
    else if (names) variables.set(names[1]!, dot);
    return { ...scope, dot, variables };
  };
  return (scope) => {
    const result = value(scope);
    if (!truthy(result)) return otherwise(scope);
    if (word === 'if') return body.render(scope);
    if (word === 'with') return body.render(bind(scope, result, undefined));
    const pairs: [unknown, unknown][] = Array.isArray(result)
      ? result.map((item, at) => [at, item])
      : Object.entries(result as object).sort(([a], [b]) => order(a, b));
    return pairs.map(([key, item]) => body.render(bind(scope, item, key))).join('');
  };
}

/** @throws KubectlError when the template is malformed or uses what is not known here */
export function compileGoTemplate(text: string): (object: unknown) => string {
  const pieces = text
    .replace(/\s*\{\{- /g, '{{')
    .replace(/ -\}\}\s*/g, '}}')
    .split(/\{\{|\}\}/);
  if (pieces.length % 2 === 0) fail('unclosed action');
  const { render } = block({ pieces, at: 0 }, true);
  return (object) => render({ dot: object, root: object, variables: new Map() });
}
