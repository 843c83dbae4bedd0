import type { FilterPlugin } from './types';

/** A pod that names its node runs there and nowhere else. */
export const nodeName: FilterPlugin = {
  name: 'NodeName',
  filter({ pod }, { node }) {
    const wanted = pod.spec?.nodeName;
    return !wanted || wanted === node!.metadata.name ? undefined : ["node(s) didn't match the requested node name"];
  },
};
