import type { ValidatingAdmissionPolicy } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, integer, text } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { duplicate, invalid, oneOf, required } from '../validation/field';
import { qualifiedName } from '../validation/strings';
import { validateConditions, validateExpression } from './expressions';
import { admissionGroup, defaultMatching, validateRules } from './webhooks';

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: admissionGroup,
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    setDefault(spec, 'failurePolicy', 'Fail');
    const match = spec.matchConstraints;
    if (match) defaultMatching(match, [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]);
  },
  validate: validatePolicy,
  columns: [
    integer('Validations', 'How many validations it has', (object) => object.spec?.validations?.length ?? 0),
    text('ParamKind', 'The kind of its parameters', (object) => {
      const { apiVersion, kind } = object.spec?.paramKind ?? {};
      return kind ? `${apiVersion}/${kind}` : '<unset>';
    }),
    ageColumn,
  ],
});

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];

function validatePolicy(object: ValidatingAdmissionPolicy): FieldError[] {
  const spec = object.spec ?? {};
  const errors = oneOf('spec.failurePolicy', spec.failurePolicy, ['Fail', 'Ignore']);
  const match = spec.matchConstraints;
  if (!match) errors.push(required('spec.matchConstraints'));
  else {
    if (!match.resourceRules?.length) errors.push(required('spec.matchConstraints.resourceRules'));
    errors.push(...validateRules(match.resourceRules, 'spec.matchConstraints.resourceRules'));
    errors.push(...oneOf('spec.matchConstraints.matchPolicy', match.matchPolicy, ['Equivalent', 'Exact']));
  }
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    errors.push(required('spec.validations', 'validations or auditAnnotations must be non-empty'));
  }
  const params = spec.paramKind !== undefined;
  errors.push(...validateConditions('spec.matchConditions', spec.matchConditions, { params }));
  const scope = { params, variables: true };
  const names = new Set<string>();
  for (const [index, { name, expression }] of (spec.variables ?? []).entries()) {
    const at = `spec.variables[${index}]`;
    if (!/^[A-Za-z_]\w*$/.test(name)) errors.push(invalid(`${at}.name`, name, 'name is not a valid CEL identifier'));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    errors.push(...validateExpression(`${at}.expression`, expression, undefined, scope));
  }
  for (const [index, { expression, messageExpression, reason }] of (spec.validations ?? []).entries()) {
    const at = `spec.validations[${index}]`;
    errors.push(...validateExpression(`${at}.expression`, expression, 'bool', scope));
    if (messageExpression) {
      errors.push(...validateExpression(`${at}.messageExpression`, messageExpression, 'string', scope));
    }
    if (reason) errors.push(...oneOf(`${at}.reason`, reason, reasons));
  }
  const keys = new Set<string>();
  for (const [index, { key, valueExpression }] of (spec.auditAnnotations ?? []).entries()) {
    const at = `spec.auditAnnotations[${index}]`;
    const faults = qualifiedName(key);
    errors.push(...faults.map((fault) => invalid(`${at}.key`, key, fault)));
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
    errors.push(...validateExpression(`${at}.valueExpression`, valueExpression, undefined, scope));
  }
  for (const field of ['apiVersion', 'kind'] as const) {
    if (spec.paramKind && !spec.paramKind[field]) errors.push(required(`spec.paramKind.${field}`));
  }
  return errors;
}
