import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { generator } from './generate';

const rbac = 'rbac.authorization.k8s.io';

const subjectFlags = [
  { name: 'user', type: 'array', help: 'Users it is for.' },
  { name: 'group', type: 'array', help: 'Groups it is for.' },
  { name: 'serviceaccount', type: 'array', help: 'Service accounts it is for, as NAMESPACE:NAME.' },
] as const;

function subjectsOf({ flags }: CommandCall): object[] {
  return [
    ...flags.list('user').map((name) => ({ apiGroup: rbac, kind: 'User', name })),
    ...flags.list('group').map((name) => ({ apiGroup: rbac, kind: 'Group', name })),
    ...flags.list('serviceaccount').map((text) => {
      const parts = text.split(':');
      if (parts.length !== 2 || !parts[0] || !parts[1])
        throw new KubectlError('serviceaccount must be <namespace>:<name>');
      return { kind: 'ServiceAccount', name: parts[1], namespace: parts[0] };
    }),
  ];
}

export const createRoleBinding = generator(
  {
    name: 'rolebinding',
    summary: 'Create a role binding for a particular role or cluster role',
    usage:
      'NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]',
    examples: [['Somebody may read', 'kubectl create rolebinding readers --role=reader --user=jane']],
    flags: [
      { name: 'role', type: 'string', help: 'The role it gives.' },
      { name: 'clusterrole', type: 'string', help: 'The cluster role it gives, in this namespace.' },
      ...subjectFlags,
    ],
  },
  (call, name) => {
    const [role, clusterRole] = [call.flags.string('role'), call.flags.string('clusterrole')];
    if ((role === '') === (clusterRole === ''))
      throw new KubectlError('exactly one of clusterrole or role must be specified');
    return {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: role ? 'Role' : 'ClusterRole', name: role || clusterRole },
      subjects: subjectsOf(call),
    };
  },
  'rolebinding',
);

export const createClusterRoleBinding = generator(
  {
    name: 'clusterrolebinding',
    summary: 'Create a cluster role binding for a particular cluster role',
    usage:
      'NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]',
    examples: [
      ['Somebody may do everything', 'kubectl create clusterrolebinding boss --clusterrole=cluster-admin --user=jane'],
    ],
    flags: [{ name: 'clusterrole', type: 'string', help: 'The cluster role it gives.' }, ...subjectFlags],
    required: ['clusterrole'],
  },
  (call, name) => ({
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: call.flags.string('clusterrole') },
    subjects: subjectsOf(call),
  }),
  'clusterrolebinding',
);
