import type { KubeObject } from '@shared/k8s';
import { badRequest } from '../api/errors';
import type { KindDefinition } from '../api/kind';

export type Match = (object: KubeObject) => boolean;

interface Requirement {
  key: string;
  test(value: string | undefined): boolean;
}

const unparsable = (problem: string) => badRequest(`unable to parse requirement: ${problem}`);
const label =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

/** Splits a label selector into words and signs. */
function tokens(text: string): string[] {
  return text.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];
}

/**
 * Parses the label selector grammar: `a`, `!a`, `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`,
 * `a>1`, `a<1`, joined by commas (and). @throws ApiError 400
 */
export function parseLabelSelector(text: string): Requirement[] {
  const words = tokens(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const key = () => {
    const word = words[at++];
    if (word === undefined || !label.test(word)) {
      throw unparsable(
        `<nil>: Invalid value: "${word ?? ''}": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
      );
    }
    return word;
  };
  const value = () => {
    const word = words[at];
    if (word === undefined || word === ',' || word === ')') return '';
    at++;
    if (!labelValue.test(word) || word.length > 63) throw unparsable(`values[0][${text}]: Invalid value: "${word}"`);
    return word;
  };
  const values = () => {
    if (words[at++] !== '(') throw unparsable(`found '${words[at - 1] ?? ''}', expected: '('`);
    const found = new Set<string>();
    do found.add(value());
    while (words[at++] === ',');
    if (words[at - 1] !== ')') throw unparsable(`found '${words[at - 1] ?? ''}', expected: ',' or ')'`);
    return found;
  };
  const number = () => {
    const word = value();
    const parsed = Number(word);
    if (!Number.isInteger(parsed) || word === '')
      throw unparsable(`for 'Gt', 'Lt' operators, the value must be an integer`);
    return parsed;
  };
  while (at < words.length) {
    if (words[at] === '!') {
      at++;
      requirements.push({ key: key(), test: (actual) => actual === undefined });
    } else {
      const name = key();
      const operator = words[at];
      if (operator === undefined || operator === ',') {
        requirements.push({ key: name, test: (actual) => actual !== undefined });
      } else {
        at++;
        requirements.push({ key: name, test: labelTest(operator, value, values, number) });
      }
    }
    if (at < words.length && words[at++] !== ',')
      throw unparsable(`found '${words[at - 1]}', expected: ',' or 'end of string'`);
  }
  return requirements;
}

function labelTest(
  operator: string,
  value: () => string,
  values: () => Set<string>,
  number: () => number,
): Requirement['test'] {
  switch (operator) {
    case '=':
    case '==': {
      const wanted = value();
      return (actual) => actual === wanted;
    }
    case '!=': {
      const unwanted = value();
      return (actual) => actual !== unwanted;
    }
    case 'in': {
      const wanted = values();
      return (actual) => actual !== undefined && wanted.has(actual);
    }
    case 'notin': {
      const unwanted = values();
      return (actual) => actual === undefined || !unwanted.has(actual);
    }
    case '>': {
      const least = number();
      return (actual) => actual !== undefined && /^-?\d+$/.test(actual) && Number(actual) > least;
    }
    case '<': {
      const most = number();
      return (actual) => actual !== undefined && /^-?\d+$/.test(actual) && Number(actual) < most;
    }
    default:
      throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

interface FieldTerm {
  field: string;
  equal: boolean;
  value: string;
}

/** Parses `a=b,c!=d` with `\,`, `\=` and `\\` escaped. @throws ApiError 400 */
export function parseFieldSelector(text: string): FieldTerm[] {
  const terms = text.match(/(?:\\.|[^,\\])+/g) ?? [];
  return terms.map((term) => {
    const match = /^((?:\\.|[^=!\\])+)(==|=|!=)((?:\\.|[^=\\])*)$/s.exec(term);
    if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
    return { field: match[1]!.trim(), equal: match[2] !== '!=', value: match[3]!.replace(/\\(.)/gs, '$1') };
  });
}

/** What a list or watch was narrowed to. */
export interface Selection {
  /** Absent: everything matches. */
  match?: Match;
  /** The one name that can match, when the field selector says so. */
  name?: string;
}

/** Reads `labelSelector` and `fieldSelector`. @throws ApiError 400 */
export function selectionOf(definition: KindDefinition, query: URLSearchParams): Selection {
  const labels = query.get('labelSelector');
  const fields = query.get('fieldSelector');
  const tests: Match[] = [];
  if (labels) {
    const requirements = parseLabelSelector(labels);
    if (requirements.length > 0) {
      tests.push((object) => {
        const actual = object.metadata?.labels;
        return requirements.every(({ key, test }) =>
          test(actual && Object.hasOwn(actual, key) ? actual[key] : undefined),
        );
      });
    }
  }
  let name: string | undefined;
  for (const term of fields ? parseFieldSelector(fields) : []) {
    const read = fieldReader(definition, term.field);
    if (term.field === 'metadata.name' && term.equal) name = term.value;
    tests.push((object) => (read(object) === term.value) === term.equal);
  }
  if (tests.length === 0) return {};
  const only = tests.length === 1 ? tests[0] : undefined;
  return { match: only ?? ((object) => tests.every((test) => test(object))), name };
}

function fieldReader(definition: KindDefinition, field: string): (object: KubeObject) => string {
  if (field === 'metadata.name') return (object) => object.metadata?.name ?? '';
  if (field === 'metadata.namespace' && definition.namespaced) return (object) => object.metadata?.namespace ?? '';
  const read = definition.fieldSelectors?.[field];
  if (!read) throw badRequest(`field label not supported: ${field}`);
  return read;
}
