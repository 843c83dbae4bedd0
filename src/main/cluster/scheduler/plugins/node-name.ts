import type { Plugin } from '../framework/types';

const refused = { reasons: ["node(s) didn't match the requested node name"], unresolvable: true };

/** A pod that names its node runs there and nowhere else. */
export const nodeName: Plugin = {
  name: 'NodeName',
  preFilter: ({ pod }) => (pod.spec?.nodeName ? undefined : { skip: true }),
  filter: ({ pod }, { name }) => (pod.spec!.nodeName === name ? undefined : refused),
  helps: (event, { pod }) => event.type === 'node' && event.node.name === pod.spec?.nodeName,
};
