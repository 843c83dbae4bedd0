import type { Role } from '../k8s';
import { resourcesOf } from './helpers';
import { defineKindView } from './types';

export const roles = defineKindView<Role>({
  id: 'roles',
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'roles',
  kind: 'Role',
  namespaced: true,
  section: 'access',
  order: 20,
  icon: 'ShieldCheck',
  columns: [
    { id: 'rules', renderer: 'number', width: 80, align: 'end', value: (object) => object.rules?.length ?? 0 },
    {
      id: 'resources',
      renderer: 'list',
      width: 360,
      value: (object) => resourcesOf(object.rules),
    },
  ],
  capabilities: {},
  template: `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: pod-reader
rules:
  - apiGroups: [""]
    resources: [pods, pods/log]
    verbs: [get, list, watch]
`,
});
