import type { Role } from '@shared/k8s';
import { defineKind } from '../kind';
import { createdAtColumn } from '../printing';
import { rbacGroup, validateRules } from './validation';

export const role = defineKind<Role>({
  group: rbacGroup,
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  nameRule: 'path',
  namespaced: true,
  validate: (object) => validateRules(object.rules, true),
  columns: [createdAtColumn],
});
