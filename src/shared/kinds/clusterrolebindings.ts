import type { ClusterRoleBinding } from '../k8s';
import { subjectsOf } from './helpers';
import { defineKindView } from './types';

export const clusterRoleBindings = defineKindView<ClusterRoleBinding>({
  id: 'clusterrolebindings',
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
  section: 'access',
  order: 50,
  icon: 'UsersRound',
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
kind: ClusterRoleBinding
metadata:
  name: pod-readers
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: pod-reader
subjects:
  - kind: User
    apiGroup: rbac.authorization.k8s.io
    name: jane
`,
});
