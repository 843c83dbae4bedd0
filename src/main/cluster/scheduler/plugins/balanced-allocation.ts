import type { Plugin } from '../framework/types';

/** Prefers nodes where cpu and memory are used up at the same rate, so that neither is left over. */
export const balancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  preScore: ({ requests }) => (requests.cpu || requests.memory ? undefined : { skip: true }),
  score({ requests }, { allocatable, requested }) {
    const { cpu, memory } = allocatable;
    if (!cpu || !memory) return 0;
    const ofCpu = Math.min(1, ((requested.cpu ?? 0) + (requests.cpu ?? 0)) / cpu);
    const ofMemory = Math.min(1, ((requested.memory ?? 0) + (requests.memory ?? 0)) / memory);
    // The standard deviation of two values is half their distance.
    return Math.floor((1 - Math.abs(ofCpu - ofMemory) / 2) * 100);
  },
};
