import type { PriorityClass } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, boolean, integer, text } from '../printing';
import { setDefault } from '../strategy';
import { forbidden, oneOf } from '../validation/field';

const most = 1_000_000_000;

/** The classes every cluster has, with the values that nobody else may use. */
export const systemPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  defaults: (object) => setDefault(object, 'preemptionPolicy', 'PreemptLowerPriority'),
  prepareForCreate(object) {
    object.metadata.generation = 1;
  },
  validate(object) {
    const { name } = object.metadata;
    const errors: FieldError[] = [];
    if (name?.startsWith('system-')) {
      if (systemPriorities[name] !== object.value || object.globalDefault) {
        errors.push(
          forbidden(
            'metadata.name',
            "priority class names with 'system-' prefix are reserved for system use only. error: " +
              (name in systemPriorities
                ? `value of ${name} PriorityClass must be ${systemPriorities[name]}`
                : `${name} is not a known system priority class`),
          ),
        );
      }
    } else if (object.value > most) {
      errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${most}`));
    }
    return [...errors, ...oneOf('preemptionPolicy', object.preemptionPolicy, ['Never', 'PreemptLowerPriority'])];
  },
  validateUpdate: (object, old) => [
    ...(object.value === old.value ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...(object.preemptionPolicy === old.preemptionPolicy
      ? []
      : [forbidden('preemptionPolicy', 'may not be changed in an update.')]),
  ],
  columns: [
    integer('Value', 'The priority of its pods', (object) => object.value ?? 0),
    boolean('Global-Default', 'Whether pods without a class get it', (object) => object.globalDefault ?? false),
    ageColumn,
    text('PreemptionPolicy', 'Whether its pods take the place of others', (object) => object.preemptionPolicy ?? ''),
  ],
});
