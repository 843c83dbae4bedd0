import type { Plugin } from '../framework/types';
import type { PodInfo } from '../snapshot';

const megabyte = 1024 * 1024;
const worthwhile = 23 * megabyte;
const plenty = 1000 * megabyte;

interface State {
  images: { nodes: ReadonlySet<string>; worth: number }[];
  most: number;
}

const containersOf = ({ pod: { spec } }: PodInfo) => [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];

/** Prefers nodes that have the pod's images already, the more the bigger they are. */
export const imageLocality: Plugin<undefined, State> = {
  name: 'ImageLocality',
  preScore(pod, _, snapshot) {
    const containers = containersOf(pod);
    const total = snapshot.nodes().length;
    const images: State['images'] = [];
    for (const { image } of containers) {
      const known = image && snapshot.images.get(image);
      // What few nodes have counts less, lest all pods of an image end up on the one node that has it.
      if (known) images.push({ nodes: known.nodes, worth: known.sizeBytes * (known.nodes.size / total) });
    }
    return images.length > 0 ? { state: { images, most: plenty * containers.length } } : { skip: true };
  },
  score(_, { name }, { images, most }) {
    let sum = 0;
    for (const { nodes, worth } of images) if (nodes.has(name)) sum += worth;
    const clamped = Math.min(Math.max(sum, worthwhile), most);
    return Math.floor((100 * (clamped - worthwhile)) / (most - worthwhile));
  },
};
