import type { PodSpec, Toleration } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../../validation/field';
import { validateLabelSelector, validateLabels } from '../../validation/meta';
import { qualifiedName } from '../../validation/strings';

type Affinity = NonNullable<PodSpec['affinity']>;
type NodeSelectorTerm = NonNullable<
  NonNullable<Affinity['nodeAffinity']>['preferredDuringSchedulingIgnoredDuringExecution']
>[number]['preference'];
type PodAffinity = NonNullable<Affinity['podAffinity']>;
type PodAffinityTerm = NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number];

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Faults of where a pod wants to run: node selector, tolerations, affinity, spreading. */
export function validatePlacement(spec: PodSpec, path: string): FieldError[] {
  return [
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...(spec.tolerations ?? []).flatMap((toleration, index) =>
      validateToleration(toleration, `${path}.tolerations[${index}]`),
    ),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...(spec.topologySpreadConstraints ?? []).flatMap((constraint, index) => {
      const at = `${path}.topologySpreadConstraints[${index}]`;
      const errors: FieldError[] = [];
      if (!(constraint.maxSkew > 0))
        errors.push(invalid(`${at}.maxSkew`, constraint.maxSkew ?? 0, 'must be greater than zero'));
      if (!constraint.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'));
      if (!['DoNotSchedule', 'ScheduleAnyway'].includes(constraint.whenUnsatisfiable)) {
        errors.push(
          notSupported(`${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable ?? '', [
            'DoNotSchedule',
            'ScheduleAnyway',
          ]),
        );
      }
      const again = (spec.topologySpreadConstraints ?? [])
        .slice(index + 1)
        .some((other) => sameSpread(other, constraint));
      if (again) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, shownSpread(constraint)));
      return [...errors, ...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`)];
    }),
    ...validateGates(spec, path),
  ];
}

type Spread = NonNullable<PodSpec['topologySpreadConstraints']>[number];
const shownSpread = ({ topologyKey, whenUnsatisfiable }: Spread) => `{${topologyKey}, ${whenUnsatisfiable}}`;
const sameSpread = (one: Spread, other: Spread) => shownSpread(one) === shownSpread(other);

/** What a pod waits for before it is placed, and before it is ready. */
function validateGates({ schedulingGates, readinessGates }: PodSpec, path: string): FieldError[] {
  const names = new Set<string>();
  const errors = (schedulingGates ?? []).flatMap(({ name }, index) => {
    const at = `${path}.schedulingGates[${index}]`;
    const faults = invalidEach(at, name, qualifiedName(name));
    if (names.has(name)) faults.push(duplicate(at, name));
    names.add(name);
    return faults;
  });
  for (const [index, { conditionType }] of (readinessGates ?? []).entries()) {
    const at = `${path}.readinessGates[${index}].conditionType`;
    errors.push(...invalidEach(at, conditionType, qualifiedName(conditionType)));
  }
  return errors;
}

function validateToleration(toleration: Toleration, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (toleration.key) errors.push(...invalidEach(`${path}.key`, toleration.key, qualifiedName(toleration.key)));
  else if (toleration.operator !== 'Exists') {
    errors.push(
      invalid(
        `${path}.operator`,
        toleration.operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (typeof toleration.tolerationSeconds === 'number' && toleration.effect !== 'NoExecute') {
    errors.push(
      invalid(`${path}.effect`, toleration.effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    );
  }
  if (toleration.operator === 'Exists') {
    if (toleration.value) {
      errors.push(invalid(`${path}.operator`, toleration.value, "value must be empty when `operator` is 'Exists'"));
    }
  } else if (toleration.operator && !['Equal', 'Gt', 'Lt'].includes(toleration.operator)) {
    errors.push(notSupported(`${path}.operator`, toleration.operator, ['Equal', 'Exists', 'Gt', 'Lt']));
  }
  if (toleration.effect && !effects.includes(toleration.effect)) {
    errors.push(notSupported(`${path}.effect`, toleration.effect, effects));
  }
  return errors;
}

function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  if (!affinity) return [];
  const errors: FieldError[] = [];
  const node = affinity.nodeAffinity;
  const at = `${path}.nodeAffinity`;
  const needed = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (needed) {
    const terms = `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    if (!needed.nodeSelectorTerms?.length) {
      errors.push(required(terms, 'must have at least one node selector term'));
    }
    for (const [index, term] of (needed.nodeSelectorTerms ?? []).entries()) {
      errors.push(...validateNodeTerm(term, `${terms}[${index}]`));
    }
  }
  for (const [index, preferred] of (node?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const here = `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    errors.push(
      ...validateWeight(preferred.weight, `${here}.weight`),
      ...validateNodeTerm(preferred.preference, `${here}.preference`),
    );
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    errors.push(...validatePodAffinity(affinity[kind], `${path}.${kind}`));
  }
  return errors;
}

function validateNodeTerm(term: NodeSelectorTerm, path: string): FieldError[] {
  return (term?.matchExpressions ?? []).flatMap((expression, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    const errors = invalidEach(`${at}.key`, expression.key, qualifiedName(expression.key ?? ''));
    const count = expression.values?.length ?? 0;
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (count === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (count > 0) {
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        }
        break;
      case 'Gt':
      case 'Lt':
        if (count !== 1) {
          errors.push(required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
        }
        break;
      default:
        errors.push(invalid(`${at}.operator`, expression.operator, 'not a valid selector operator'));
    }
    return errors;
  });
}

function validatePodAffinity(affinity: PodAffinity | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, term] of (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    errors.push(...validatePodTerm(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`));
  }
  for (const [index, preferred] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    errors.push(
      ...validateWeight(preferred.weight, `${at}.weight`),
      ...validatePodTerm(preferred.podAffinityTerm, `${at}.podAffinityTerm`),
    );
  }
  return errors;
}

function validatePodTerm(term: PodAffinityTerm, path: string): FieldError[] {
  const errors = validateLabelSelector(term?.labelSelector, `${path}.labelSelector`);
  if (!term?.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'));
  else errors.push(...invalidEach(`${path}.topologyKey`, term.topologyKey, qualifiedName(term.topologyKey)));
  return errors;
}

const validateWeight = (weight: number, path: string): FieldError[] =>
  weight >= 1 && weight <= 100 ? [] : [invalid(path, weight ?? 0, 'must be in the range 1-100')];
