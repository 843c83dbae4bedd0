import type { ClusterRoleBinding } from '@shared/k8s';
import { defineKind } from '../kind';
import { bindingColumns } from './bindings';
import { defaultBinding, rbacGroup, validateBinding, validateBindingUpdate } from './validation';

export const clusterRoleBinding = defineKind<ClusterRoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  nameRule: 'path',
  namespaced: false,
  defaults: defaultBinding,
  validate: (object) => validateBinding(object, ['ClusterRole']),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
});
