import { isDeepStrictEqual } from 'node:util';
import type { FieldError } from '../../kind';
import { CelError, compileCel, optionalValue, typedValue, type CelProgram } from '../../schema/cel';
import type { JsonSchema, ValidationRule } from '../types';
import { isObject } from './prune';
import { correlated } from './values';

/** A rule that compiled. */
interface CompiledRule {
  rule: ValidationRule;
  program: CelProgram;
  message?: CelProgram;
  /** Speaks of the value as it was before. */
  transition: boolean;
}

/** The rules of a schema and of everything in it. */
export interface RuleTree {
  rules: CompiledRule[];
  properties: ReadonlyMap<string, RuleTree>;
  others?: RuleTree;
  items?: RuleTree;
}

/** Every rule that does not compile, by the place of its schema. */
export type RuleFault = (at: string, index: number, field: 'rule' | 'messageExpression', message: string) => void;

/**
 * Compiles the rules of a schema; undefined when it has none.
 * @param at the schema's place, for faults
 */
export function compileRules(schema: JsonSchema, at: string, faulty: RuleFault): RuleTree | undefined {
  return compile(schema, at, faulty, true);
}

function compile(schema: JsonSchema, at: string, faulty: RuleFault, root = false): RuleTree | undefined {
  const seen = root ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema;
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) => {
    const variables = rule.optionalOldSelf ? { self: seen, oldSelf: 'dyn' } : { self: seen, oldSelf: seen };
    const attempt = (field: 'rule' | 'messageExpression', text: string, returns: string) => {
      try {
        return compileCel(text, variables, { returns });
      } catch (error) {
        faulty(at, index, field, (error as Error).message);
        return undefined;
      }
    };
    const program = attempt('rule', rule.rule, 'bool');
    const message = rule.messageExpression ? attempt('messageExpression', rule.messageExpression, 'string') : undefined;
    return program ? [{ rule, program, message, transition: program.references.has('oldSelf') }] : [];
  });
  const properties = new Map<string, RuleTree>();
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const tree = compile(inner, `${at}.properties[${name}]`, faulty);
    if (tree) properties.set(name, tree);
  }
  const { additionalProperties } = schema;
  const others =
    typeof additionalProperties === 'object'
      ? compile(additionalProperties, `${at}.additionalProperties`, faulty)
      : undefined;
  const items = schema.items ? compile(schema.items, `${at}.items`, faulty) : undefined;
  return rules.length > 0 || properties.size > 0 || others || items ? { rules, properties, others, items } : undefined;
}

/**
 * The rules that a value breaks.
 * @param old the value before, where there is one that corresponds: transition rules need it
 */
export function brokenRules(
  value: unknown,
  old: unknown,
  schema: JsonSchema,
  tree: RuleTree,
  at: string,
): FieldError[] {
  if (value === null || value === undefined) return [];
  const errors = tree.rules.length > 0 ? ownRules(value, old, schema, tree, at) : [];
  if (Array.isArray(value)) {
    if (!tree.items) return errors;
    for (const [index, item] of value.entries()) {
      const before = correlated(item, old, schema);
      errors.push(...brokenRules(item, before, schema.items!, tree.items, `${at}[${index}]`));
    }
    return errors;
  }
  if (!isObject(value)) return errors;
  const former = isObject(old) ? old : {};
  for (const [key, inner] of Object.entries(value)) {
    const named = schema.properties && Object.hasOwn(schema.properties, key);
    const innerTree = named ? tree.properties.get(key) : tree.others;
    if (!innerTree) continue;
    const innerSchema = named ? schema.properties![key]! : (schema.additionalProperties as JsonSchema);
    errors.push(...brokenRules(inner, former[key], innerSchema, innerTree, at ? `${at}.${key}` : key));
  }
  return errors;
}

function ownRules(value: unknown, old: unknown, schema: JsonSchema, tree: RuleTree, at: string): FieldError[] {
  const self = typedValue(value, schema);
  const oldSelf = old === undefined || old === null ? undefined : typedValue(old, schema);
  const unchanged = old !== undefined && isDeepStrictEqual(value, old);
  return tree.rules.flatMap(({ rule, program, message, transition }): FieldError[] => {
    if (unchanged && !transition) return [];
    if (transition && oldSelf === undefined && !rule.optionalOldSelf) return [];
    const before = rule.optionalOldSelf ? optionalValue(oldSelf) : oldSelf;
    const bindings = { self, oldSelf: before };
    const shown = schema.type ?? 'object';
    try {
      if (program.evaluate(bindings) === true) return [];
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const detail = `${error.message} evaluating rule: ${rule.message ?? rule.rule}`;
      return [{ type: 'Invalid', field: at || '<nil>', value: shown, detail }];
    }
    const field = placeOf(at, rule.fieldPath);
    return [failure(rule, field, shown, messageOf(rule, message, bindings))];
  });
}

function placeOf(at: string, fieldPath: string | undefined): string {
  if (!fieldPath) return at || '<nil>';
  return at ? `${at}${fieldPath}` : fieldPath.replace(/^\./, '');
}

function messageOf(rule: ValidationRule, message: CelProgram | undefined, bindings: Record<string, unknown>): string {
  const plain = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
  if (!message) return plain;
  try {
    const text = (message.evaluate(bindings) as string).trim();
    return text && !text.includes('\n') ? text : plain;
  } catch {
    return plain;
  }
}

function failure(rule: ValidationRule, field: string, value: unknown, detail: string): FieldError {
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return { type: 'Forbidden', field, detail };
    case 'FieldValueRequired':
      return { type: 'Required', field, detail };
    case 'FieldValueDuplicate':
      return { type: 'Duplicate', field, value, detail };
    default:
      return { type: 'Invalid', field, value, detail };
  }
}
