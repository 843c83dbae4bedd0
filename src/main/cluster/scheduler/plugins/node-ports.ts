import type { HostPort } from '../snapshot';
import type { FilterPlugin } from './types';

const everywhere = (ip: string) => ip === '0.0.0.0' || ip === '::';

const collide = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || everywhere(a.ip) || everywhere(b.ip));

/** A host port is one pod's on a node. */
export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  filter({ hostPorts }, node) {
    const taken = hostPorts.some((wanted) => node.hostPorts.some((other) => collide(wanted, other)));
    return taken ? ["node(s) didn't have free ports for the requested pod ports"] : undefined;
  },
};
