import type { NodeConnection } from './node-connection';

/** The ways to the nodes, by node name. */
export interface NodeConnections {
  get(nodeName: string): NodeConnection | undefined;
  register(nodeName: string, connection: NodeConnection): void;
  unregister(nodeName: string): void;
}

export function createNodeConnections(): NodeConnections {
  const connections = new Map<string, NodeConnection>();
  return {
    get: (nodeName) => connections.get(nodeName),
    register: (nodeName, connection) => void connections.set(nodeName, connection),
    unregister: (nodeName) => void connections.delete(nodeName),
  };
}
