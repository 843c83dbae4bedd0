import type { ClusterRole } from '../k8s';
import { resourcesOf } from './helpers';
import { defineKindView } from './types';

export const clusterRoles = defineKindView<ClusterRole>({
  id: 'clusterroles',
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'clusterroles',
  kind: 'ClusterRole',
  namespaced: false,
  section: 'access',
  order: 30,
  icon: 'Shield',
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
kind: ClusterRole
metadata:
  name: pod-reader
rules:
  - apiGroups: [""]
    resources: [pods, pods/log]
    verbs: [get, list, watch]
`,
});
