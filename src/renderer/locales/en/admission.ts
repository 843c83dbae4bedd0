/** Admission webhooks and policies in the drawer. */
export const admission = {
  address: 'Asked at',
  timeout: 'Timeout',
  sideEffects: 'Side effects',
  conditions: 'Only where',
  namespaces: 'Namespaces',
  objects: 'Objects',
  operations: 'Operations',
  policy: 'Policy',
  variables: 'Variables',
  bindings: 'Bindings',
  notInForce: 'No binding puts it in force.',
};
