import type { Describe } from './types';

interface Rule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

/** The rows of a rule: one for each resource, named with its group. */
function rowsOf({ verbs = [], apiGroups = [''], resources = [], resourceNames = [], nonResourceURLs = [] }: Rule) {
  const rest = `[${nonResourceURLs.join(' ')}]\t[${resourceNames.join(' ')}]\t[${verbs.join(' ')}]`;
  if (resources.length === 0) return [`\t${rest}`];
  return resources.flatMap((resource) =>
    apiGroups.map((group) => {
      const [name = '', ...subresource] = resource.split('/');
      return `${[group ? `${name}.${group}` : name, ...subresource].join('/')}\t${rest}`;
    }),
  );
}

export const describeRole: Describe = ({ lines, object }) => {
  lines.add(0, `Name:\t${object.metadata.name}`);
  lines.map(0, 'Labels', object.metadata.labels);
  lines.annotations(0, 'Annotations', object.metadata.annotations);
  lines.add(0, 'PolicyRule:\n  Resources\tNon-Resource URLs\tResource Names\tVerbs');
  lines.add(1, '---------\t-----------------\t--------------\t-----');
  for (const row of ((object.rules ?? []) as Rule[]).flatMap(rowsOf).sort()) lines.add(1, row);
};

export const describeRoleBinding: Describe = ({ lines, object }) => {
  lines.add(0, `Name:\t${object.metadata.name}`);
  lines.map(0, 'Labels', object.metadata.labels);
  lines.annotations(0, 'Annotations', object.metadata.annotations);
  lines.add(0, 'Role:');
  lines.add(1, `Kind:\t${object.roleRef.kind}`);
  lines.add(1, `Name:\t${object.roleRef.name}`);
  lines.add(0, 'Subjects:\n  Kind\tName\tNamespace');
  lines.add(1, '----\t----\t---------');
  for (const { kind, name, namespace = '' } of object.subjects ?? []) lines.add(1, `${kind}\t${name}\t${namespace}`);
};
