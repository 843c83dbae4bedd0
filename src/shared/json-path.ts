/**
 * The part of kubectl's JSONPath that printer columns, scale paths and selectable
 * fields use: `.a.b`, `['a.b']`, `.a\.b`, `[0]`, `[*]`, `[?(@.type=="Ready")]`.
 */
export interface JsonPath {
  /** Everything the path leads to. */
  find(object: unknown): unknown[];
  /** Sets the value of a path of names only, with the objects on the way. */
  set(object: object, value: unknown): void;
}

type Step = { name: string } | { at: number } | { every: true } | { where: Step[]; operator: string; value: unknown };

/** @throws Error for a path that is none */
export function parseJsonPath(text: string): JsonPath {
  const steps = parse(text.replace(/^\{(.*)\}$/s, '$1'));
  return {
    find: (object) => follow(steps, object),
    set(object, value) {
      let holder = object as Record<string, unknown>;
      for (const [index, step] of steps.entries()) {
        if (!('name' in step)) throw new Error(`${text} does not name one field`);
        if (index === steps.length - 1) holder[step.name] = value;
        else holder = holder[step.name] = { ...(holder[step.name] as object | undefined) };
      }
    },
  };
}

const clause =
  /^(?:\.((?:\\.|[^.[\]\s'"\\])+)|\['((?:\\.|[^'])*)'\]|\["((?:\\.|[^"])*)"\]|\[(-?\d+)\]|(?:\.?\[\*\]|\.\*)|\[\?\(\s*@((?:\.[\w\-\\./]+)*)\s*(==|!=)\s*(".*?"|'.*?'|[\w.-]+)\s*\)\])/;

function parse(text: string): Step[] {
  const steps: Step[] = [];
  let rest = text.replace(/^\$/, '');
  if (rest === '.') return steps;
  while (rest !== '') {
    const found = clause.exec(rest);
    if (!found) throw new Error(`unrecognized path at ${JSON.stringify(rest)}`);
    const [whole, dotted, single, double, index, inner, operator, literal] = found;
    const name = dotted ?? single ?? double;
    if (name !== undefined) steps.push({ name: name.replace(/\\(.)/g, '$1') });
    else if (index !== undefined) steps.push({ at: Number(index) });
    else if (operator !== undefined) steps.push({ where: parse(inner ?? ''), operator, value: literalOf(literal!) });
    else steps.push({ every: true });
    rest = rest.slice(whole.length);
  }
  return steps;
}

function literalOf(text: string): unknown {
  if (/^['"]/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function follow(steps: readonly Step[], from: unknown): unknown[] {
  let values = [from];
  for (const step of steps) values = values.flatMap((value) => next(step, value));
  return values;
}

function next(step: Step, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('name' in step) {
    const found = Object.hasOwn(value, step.name) ? (value as Record<string, unknown>)[step.name] : undefined;
    return found === undefined ? [] : [found];
  }
  if ('every' in step) return Object.values(value);
  if (!Array.isArray(value)) return [];
  if ('at' in step) {
    const found: unknown = value.at(step.at);
    return found === undefined ? [] : [found];
  }
  return value.filter((item) => {
    const [found] = follow(step.where, item);
    return (found === step.value) === (step.operator === '==') && (found !== undefined || step.operator === '!=');
  });
}
