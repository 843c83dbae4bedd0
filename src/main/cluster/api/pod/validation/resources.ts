import { isQuantity, parseQuantity } from '@shared/quantity';
import type { ResourceRequirements } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { forbidden, invalid, invalidEach, required } from '../../validation/field';
import { qualifiedName } from '../../validation/strings';

export const quantityRule =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** Faults of a container's (or pod's) resources: names, quantities, and requests above limits. */
export function validateResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  for (const [name, quantity] of Object.entries(limits)) {
    errors.push(
      ...validateName(name, `${path}.limits[${name}]`),
      ...validateAmount(name, quantity, `${path}.limits[${name}]`),
    );
  }
  for (const [name, quantity] of Object.entries(requests)) {
    const at = `${path}.requests[${name}]`;
    errors.push(...validateName(name, at), ...validateAmount(name, quantity, at));
    const limit = limits[name];
    if (limit === undefined && !mayOvercommit(name)) {
      errors.push(required(`${path}.limits`, 'Limit must be set for non overcommitable resources'));
    }
    if (limit === undefined || !isQuantity(limit) || !isQuantity(quantity)) continue;
    if (!mayOvercommit(name) && parseQuantity(quantity) !== parseQuantity(limit)) {
      errors.push(invalid(`${path}.requests`, quantity, `must be equal to ${name} limit of ${limit}`));
    } else if (parseQuantity(quantity) > parseQuantity(limit)) {
      errors.push(invalid(`${path}.requests`, quantity, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.some((name) => name === 'cpu' || name === 'memory')) {
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  }
  return errors;
}

const isHugePages = (name: string): boolean => name.startsWith('hugepages-');

/** Resources that others than Kubernetes define. */
const isExtended = (name: string): boolean => name.includes('/') && !name.split('/')[0]!.endsWith('kubernetes.io');

/** Extended resources and huge pages are given whole: request and limit are the same. */
const mayOvercommit = (name: string): boolean => !isHugePages(name) && !isExtended(name);

function validateName(name: string, path: string): FieldError[] {
  const errors = invalidEach(path, name, qualifiedName(name));
  if (errors.length === 0 && !name.includes('/') && !standard.has(name) && !isHugePages(name)) {
    errors.push(invalid(path, name, 'must be a standard resource for containers'));
    errors.push(invalid(path, name, 'must be a standard resource type or fully qualified'));
  }
  return errors;
}

/** What is counted comes whole. */
function validateAmount(name: string, quantity: string, path: string): FieldError[] {
  const errors = validateQuantity(quantity, path);
  if (errors.length === 0 && isExtended(name) && !Number.isInteger(Number(parseQuantity(quantity)))) {
    errors.push(invalid(path, quantity, 'must be an integer'));
  }
  return errors;
}

/** Faults of a quantity that may not be negative. */
export function validateQuantity(quantity: string, path: string): FieldError[] {
  if (!isQuantity(quantity)) return [invalid(path, quantity, quantityRule)];
  return parseQuantity(quantity) < 0 ? [invalid(path, quantity, 'must be greater than or equal to 0')] : [];
}
