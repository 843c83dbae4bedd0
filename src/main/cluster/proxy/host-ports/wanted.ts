/** Which ports of this machine a Service asks for. Pure. */
import type { Service } from '@shared/k8s';
import { clusterIpOf, isLocalFromOutside } from '../services';

/** A port that is opened on this machine for a Service. */
export interface HostPort {
  /** What it is opened for: reachability of the node, or the load balancer's address. */
  use: 'node' | 'balancer';
  protocol: 'TCP' | 'UDP';
  port: number;
  /** Where its traffic goes inside the cluster. */
  target: { ip: string; port: number };
}

/** Whether the load balancer of this machine is the one the Service asks for. */
export const isBalancedHere = ({ spec }: Service): boolean => spec?.type === 'LoadBalancer' && !spec.loadBalancerClass;

export const portId = ({ protocol, port }: Pick<HostPort, 'protocol' | 'port'>): string => `${port}/${protocol}`;

/**
 * Node ports, and the ports of load balancers of no other class; one number once per protocol.
 * @param router where node ports are served inside the cluster
 */
export function wantedPorts(service: Service, router: string): HostPort[] {
  const { spec } = service;
  const clusterIp = clusterIpOf(service);
  if (!clusterIp || (spec?.type !== 'NodePort' && spec?.type !== 'LoadBalancer')) return [];
  const wanted = new Map<string, HostPort>();
  const ports = (spec.ports ?? []).flatMap((port) => {
    const protocol = port.protocol ?? 'TCP';
    return protocol === 'TCP' || protocol === 'UDP' ? [{ ...port, protocol: protocol as 'TCP' | 'UDP' }] : [];
  });
  const add = (one: HostPort): void => void (wanted.has(portId(one)) || wanted.set(portId(one), one));
  // By the node port where there is one, as internalTrafficPolicy is not for traffic from outside; but not by one
  // that leads to endpoints of the router's node alone, since this machine is all nodes.
  const targetOf = (port: number, nodePort: number | undefined): HostPort['target'] =>
    nodePort && !isLocalFromOutside(service) ? { ip: router, port: nodePort } : { ip: clusterIp, port };
  for (const { protocol, port, nodePort } of isBalancedHere(service) ? ports : [])
    add({ use: 'balancer', protocol, port, target: targetOf(port, nodePort) });
  for (const { protocol, port, nodePort } of ports)
    if (nodePort) add({ use: 'node', protocol, port: nodePort, target: targetOf(port, nodePort) });
  return [...wanted.values()];
}
