import type { ValidatingAdmissionPolicyBinding } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, selectorString, text } from '../printing';
import { countedSpec } from '../strategy';
import { forbidden, notSupported, required } from '../validation/field';
import { admissionGroup, defaultMatching } from './webhooks';

const actions = ['Audit', 'Deny', 'Warn'];

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: admissionGroup,
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  categories: ['api-extensions'],
  namespaced: false,
  defaults(object) {
    const match = object.spec?.matchResources;
    if (match) defaultMatching(match, [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]);
  },
  ...countedSpec,
  validate: validateBinding,
  columns: [
    text('PolicyName', 'The policy that is bound', (object) => object.spec?.policyName ?? ''),
    text('ParamRef', 'Its parameters', (object) => {
      const reference = object.spec?.paramRef;
      if (reference?.name) return reference.namespace ? `${reference.namespace}/${reference.name}` : reference.name;
      return reference?.selector ? selectorString(reference.selector) : '<unset>';
    }),
    ageColumn,
  ],
});

function validateBinding(object: ValidatingAdmissionPolicyBinding): FieldError[] {
  const spec = object.spec ?? {};
  const errors: FieldError[] = spec.policyName ? [] : [required('spec.policyName')];
  if (!spec.validationActions?.length) errors.push(required('spec.validationActions'));
  for (const [index, action] of (spec.validationActions ?? []).entries()) {
    if (!actions.includes(action)) errors.push(notSupported(`spec.validationActions[${index}]`, action, actions));
  }
  const reference = spec.paramRef;
  if (!reference) return errors;
  if (!reference.name && !reference.selector) {
    errors.push(required('spec.paramRef', 'one of name or selector must be specified'));
  } else if (reference.name && reference.selector) {
    errors.push(forbidden('spec.paramRef.name', 'name and selector are mutually exclusive'));
  }
  if (!reference.parameterNotFoundAction) {
    errors.push(required('spec.paramRef.parameterNotFoundAction', 'supported values: "Deny", "Allow"'));
  } else if (!['Allow', 'Deny'].includes(reference.parameterNotFoundAction)) {
    errors.push(
      notSupported('spec.paramRef.parameterNotFoundAction', reference.parameterNotFoundAction, ['Deny', 'Allow']),
    );
  }
  return errors;
}
