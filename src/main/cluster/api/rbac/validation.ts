import type { PolicyRule, RoleBinding } from '@shared/k8s';
import type { FieldError } from '../kind';
import { differences } from '../validation/differences';
import { invalid, notSupported, required } from '../validation/field';

export const rbacGroup = 'rbac.authorization.k8s.io';

/** Faults of what a role allows. */
export function validateRules(rules: PolicyRule[] | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap((rule, index) => {
    const path = `rules[${index}]`;
    const errors = rule.verbs?.length ? [] : [required(`${path}.verbs`, 'verbs must contain at least one value')];
    if (rule.nonResourceURLs?.length) {
      if (namespaced) {
        errors.push(
          invalid(
            `${path}.nonResourceURLs`,
            rule.nonResourceURLs,
            'namespaced rules cannot apply to non-resource URLs',
          ),
        );
      }
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        errors.push(
          invalid(
            `${path}.nonResourceURLs`,
            rule.nonResourceURLs,
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      }
      return errors;
    }
    if (!rule.apiGroups?.length) {
      errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
    }
    if (!rule.resources?.length) {
      errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
    }
    return errors;
  });
}

type Binding = Pick<RoleBinding, 'roleRef' | 'subjects'>;

/** Sets the groups that references leave open. */
export function defaultBinding(object: Binding): void {
  if (object.roleRef && !object.roleRef.apiGroup) object.roleRef.apiGroup = rbacGroup;
  for (const subject of object.subjects ?? []) {
    if ((subject.kind === 'User' || subject.kind === 'Group') && !subject.apiGroup) subject.apiGroup = rbacGroup;
  }
}

/** Faults of a binding. @param roles the kinds it may refer to */
export function validateBinding(object: Binding, roles: readonly string[]): FieldError[] {
  const { apiGroup = '', kind = '', name } = object.roleRef ?? {};
  const errors: FieldError[] = [];
  if (apiGroup !== rbacGroup) errors.push(notSupported('roleRef.apiGroup', apiGroup, [rbacGroup]));
  if (!roles.includes(kind)) errors.push(notSupported('roleRef.kind', kind, roles));
  if (!name) errors.push(required('roleRef.name'));
  for (const [index, subject] of (object.subjects ?? []).entries()) {
    const path = `subjects[${index}]`;
    if (!subject.name) errors.push(required(`${path}.name`));
    const group = subject.apiGroup ?? '';
    if (subject.kind === 'ServiceAccount') {
      if (group) errors.push(notSupported(`${path}.apiGroup`, group, ['']));
      if (!subject.namespace) errors.push(required(`${path}.namespace`));
    } else if (subject.kind === 'User' || subject.kind === 'Group') {
      if (group !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, group, [rbacGroup]));
    } else {
      errors.push(notSupported(`${path}.kind`, subject.kind, ['Group', 'ServiceAccount', 'User']));
    }
  }
  return errors;
}

/** A binding is to one role for good: another role would be another binding. */
export function validateBindingUpdate(object: Binding, old: Binding): FieldError[] {
  return differences(old.roleRef, object.roleRef, '').length > 0
    ? [invalid('roleRef', object.roleRef, 'cannot change roleRef')]
    : [];
}
