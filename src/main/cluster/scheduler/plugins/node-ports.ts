import type { HostPort } from '../snapshot';
import type { Plugin } from '../framework/types';

const everywhere = (ip: string) => ip === '0.0.0.0' || ip === '::';

const collide = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || everywhere(a.ip) || everywhere(b.ip));

const anyCollide = (wanted: readonly HostPort[], taken: readonly HostPort[]): boolean =>
  wanted.some((one) => taken.some((other) => collide(one, other)));

const refused = { reasons: ["node(s) didn't have free ports for the requested pod ports"] };

/** A host port is one pod's on a node. */
export const nodePorts: Plugin = {
  name: 'NodePorts',
  preFilter: ({ hostPorts }) => (hostPorts.length > 0 ? undefined : { skip: true }),
  filter: ({ hostPorts }, node) => (anyCollide(hostPorts, node.hostPorts) ? refused : undefined),
  helps: (event, pod) =>
    (event.type === 'node' && !event.old) || (event.type === 'freed' && anyCollide(pod.hostPorts, event.pod.hostPorts)),
};
