import type { RoleBinding } from '@shared/k8s';
import type { PrinterColumn } from '../kind';
import { ageColumn, text, wide } from '../printing';

/** The columns of RoleBindings and ClusterRoleBindings. */
export const bindingColumns: PrinterColumn<RoleBinding>[] = [
  text('Role', 'The role that is given', (object) => `${object.roleRef?.kind}/${object.roleRef?.name}`),
  ageColumn,
  wide('Users', 'The users who get it', (object) => subjects(object, 'User')),
  wide('Groups', 'The groups that get it', (object) => subjects(object, 'Group')),
  wide('ServiceAccounts', 'The service accounts that get it', (object) => subjects(object, 'ServiceAccount')),
];

function subjects(object: RoleBinding, kind: string): string {
  return (object.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
    .join(', ');
}
