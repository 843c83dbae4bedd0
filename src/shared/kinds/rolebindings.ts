import type { RoleBinding } from '../k8s';
import { subjectsOf } from './helpers';
import { defineKindView } from './types';

export const roleBindings = defineKindView<RoleBinding>({
  id: 'rolebindings',
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'rolebindings',
  kind: 'RoleBinding',
  namespaced: true,
  section: 'access',
  order: 40,
  icon: 'UserCheck',
  columns: [
    {
      id: 'role',
      renderer: 'text',
      width: 240,
      value: ({ roleRef }) => (roleRef ? `${roleRef.kind}/${roleRef.name}` : null),
    },
    { id: 'subjects', renderer: 'list', width: 320, value: (object) => subjectsOf(object.subjects) },
  ],
  search: (object) => subjectsOf(object.subjects).join(' '),
  capabilities: {},
  template: `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: pod-readers
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: pod-reader
subjects:
  - kind: User
    apiGroup: rbac.authorization.k8s.io
    name: jane
`,
});
