import { canonicalQuantity, isQuantity, parseQuantity } from '@shared/quantity';
import type { LimitRange } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { validateQuantity } from '../pod/validation/resources';
import { createdAtColumn } from '../printing';
import { duplicate, forbidden, invalid, invalidEach, required } from '../validation/field';
import { qualifiedName } from '../validation/strings';

type Quantities = Record<string, string>;

/** One entry of a LimitRange by its names in JSON. */
export interface LimitRangeItem {
  type?: string;
  min?: Quantities;
  max?: Quantities;
  default?: Quantities;
  defaultRequest?: Quantities;
  maxLimitRequestRatio?: Quantities;
}

export const limitRangeItems = (object: LimitRange): LimitRangeItem[] =>
  (object.spec?.limits ?? []) as LimitRangeItem[];

export const limitRange = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  defaults(object) {
    for (const item of limitRangeItems(object)) {
      for (const list of [item.min, item.max, item.default, item.defaultRequest, item.maxLimitRequestRatio]) {
        for (const [name, quantity] of Object.entries(list ?? {})) {
          if (isQuantity(quantity)) list![name] = canonicalQuantity(quantity);
        }
      }
      if (item.type !== 'Container') continue;
      // What is not said follows from what is: the limit from the maximum, the request from the limit.
      item.default = { ...item.max, ...item.default };
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
    }
  },
  validate(object) {
    const types = new Set<string>();
    return limitRangeItems(object).flatMap((item, index) => {
      const path = `spec.limits[${index}]`;
      const errors = validateItem(item, path);
      if (types.has(item.type ?? '')) errors.push(duplicate(`${path}.type`, item.type));
      types.add(item.type ?? '');
      return errors;
    });
  },
  columns: [createdAtColumn],
});

function validateItem(item: LimitRangeItem, path: string): FieldError[] {
  if (!item.type) return [required(`${path}.type`)];
  const errors: FieldError[] = item.type.includes('/')
    ? invalidEach(`${path}.type`, item.type, qualifiedName(item.type))
    : [];
  if (!item.type.includes('/') && !['Container', 'Pod', 'PersistentVolumeClaim'].includes(item.type)) {
    errors.push(invalid(`${path}.type`, item.type, 'must be a standard limit type or fully qualified'));
  }
  for (const field of ['default', 'defaultRequest', 'max', 'min', 'maxLimitRequestRatio'] as const) {
    for (const [name, quantity] of Object.entries(item[field] ?? {})) {
      errors.push(...validateQuantity(quantity, `${path}.${field}[${name}]`));
    }
  }
  if (item.type === 'Pod') {
    for (const field of ['default', 'defaultRequest'] as const) {
      if (Object.keys(item[field] ?? {}).length) {
        errors.push(forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"));
      }
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']) {
    errors.push(
      required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'),
    );
  }
  return errors.length > 0 ? errors : validateOrder(item, path);
}

/** min ≤ defaultRequest ≤ default ≤ max, each pair that is given. */
function validateOrder(item: LimitRangeItem, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const pairs = [
    ['min', 'max', 'min', 'min value', 'max value'],
    ['min', 'defaultRequest', 'defaultRequest', 'min value', 'default request value'],
    ['defaultRequest', 'max', 'defaultRequest', 'default request value', 'max value'],
    ['defaultRequest', 'default', 'defaultRequest', 'default request value', 'default limit value'],
    ['min', 'default', 'default', 'min value', 'default value'],
    ['default', 'max', 'default', 'default value', 'max value'],
  ] as const;
  for (const [low, high, field, lowName, highName] of pairs) {
    for (const [name, least] of Object.entries(item[low] ?? {})) {
      const most = item[high]?.[name];
      if (most === undefined || !isQuantity(most) || parseQuantity(least) <= parseQuantity(most)) continue;
      const value = item[field]![name];
      errors.push(
        invalid(`${path}.${field}[${name}]`, value, `${lowName} ${least} is greater than ${highName} ${most}`),
      );
    }
  }
  for (const [name, ratio] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    if (parseQuantity(ratio) < 1) {
      errors.push(invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`));
    }
  }
  return errors;
}
