import type { RoleBinding } from '@shared/k8s';
import { defineKind } from '../kind';
import { bindingColumns } from './bindings';
import { defaultBinding, rbacGroup, validateBinding, validateBindingUpdate } from './validation';

export const roleBinding = defineKind<RoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  nameRule: 'path',
  namespaced: true,
  defaults: defaultBinding,
  validate: (object) => validateBinding(object, ['ClusterRole', 'Role']),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
});
