import type { KubeObject } from '@shared/k8s';
import type { FieldError } from '../kind';
import type { Shape } from '../schema/fields/shape';
import type { StructureError } from '../schema/types';
import { applyDefaults, hasDefaults } from './schema/defaults';
import { checkObject, pruneObject } from './schema/prune';
import { brokenRules, compileRules, type RuleTree } from './schema/rules';
import { schemaShape } from './schema/shape';
import { validateValue } from './schema/values';
import type { JsonSchema } from './types';

/** What one version of a custom kind says of its objects. */
export interface CustomObjects {
  readonly shape: Shape;
  readonly hasDefaults: boolean;
  /** Unknown fields, and metadata of the wrong form. */
  check(object: KubeObject): StructureError[];
  prune(object: KubeObject): KubeObject;
  /** Changes the object itself. */
  applyDefaults(object: KubeObject): void;
  /** @param old the object before an update */
  validate(object: KubeObject, old: KubeObject | undefined): FieldError[];
}

/** Faults after which rules cannot be relied on to mean what they say. */
const blocking = new Set<FieldError['type']>(['Required', 'NotSupported', 'TooLong', 'TooMany', 'TypeInvalid']);

/** Reads a structural schema once, for all objects that come. Rules that do not compile are left out. */
export function customObjects(schema: JsonSchema = { type: 'object' }): CustomObjects {
  // Compiled when the first object comes: a cluster has many kinds that nobody uses today.
  let compiled: { rules: RuleTree | undefined } | undefined;
  let shape: Shape | undefined;
  return {
    get shape() {
      return (shape ??= schemaShape(schema));
    },
    hasDefaults: hasDefaults(schema),
    check: (object) => checkObject(object, schema),
    prune: (object) => pruneObject(object, schema),
    applyDefaults: (object) => applyDefaults(object, schema),
    validate(object, old) {
      const errors = validateValue(object, schema, '', old);
      const { rules } = (compiled ??= { rules: compileRules(schema, '', () => {}) });
      if (!rules) return errors;
      if (errors.some(({ type }) => blocking.has(type))) {
        const detail =
          'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
        return [...errors, { type: 'Invalid', field: '<nil>', value: null, detail }];
      }
      return [...errors, ...brokenRules(object, old, schema, rules, '')];
    },
  };
}
