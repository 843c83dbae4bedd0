import type { ClusterRole } from '@shared/k8s';
import { defineKind } from '../kind';
import { createdAtColumn } from '../printing';
import { required } from '../validation/field';
import { validateLabelSelector } from '../validation/meta';
import { rbacGroup, validateRules } from './validation';

export const clusterRole = defineKind<ClusterRole>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  nameRule: 'path',
  namespaced: false,
  validate(object) {
    const errors = validateRules(object.rules, false);
    if (!object.aggregationRule) return errors;
    const selectors = object.aggregationRule.clusterRoleSelectors ?? [];
    const path = 'aggregationRule.clusterRoleSelectors';
    if (selectors.length === 0) {
      errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
    }
    selectors.forEach((selector, index) => errors.push(...validateLabelSelector(selector, `${path}[${index}]`)));
    return errors;
  },
  columns: [createdAtColumn],
});
