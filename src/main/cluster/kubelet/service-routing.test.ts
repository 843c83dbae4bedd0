import type { Pod } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { sandboxSpec, type NodeFacts, type ServiceRouting } from './container-specs';
import { firstAddress, lowerHalf } from './runtime/docker-network';
import { sandboxOptions } from './runtime/docker-specs';

const routing: ServiceRouting = {
  image: 'gantry/node:1',
  routerIp: '172.18.255.254',
  serviceCidr: '10.96.0.0/16',
  clusterDns: ['10.96.0.10'],
};
const node = (facts: Partial<NodeFacts> = {}): NodeFacts => ({
  nodeName: 'node-1',
  clusterDomain: 'cluster.local',
  clusterDns: [],
  memoryBytes: 2 ** 30,
  serviceRouting: () => routing,
  ...facts,
});
const podIn = (namespace: string, spec: object = {}, annotations: Record<string, string> = {}): Pod =>
  ({
    metadata: { namespace, name: 'web', uid: 'u-1', annotations },
    spec: { containers: [{ name: 'main', image: 'busybox:1' }], ...spec },
  }) as unknown as Pod;
const sandbox = (pod: Pod, facts = node()) => sandboxSpec(pod, 0, facts, []);
const fixed = { 'gantry.dev/ipv4-address': '172.18.255.254' };

describe('the sandbox of a pod', () => {
  it('sets the route to services and uses the cluster DNS', () => {
    const spec = sandbox(podIn('default'));
    expect(spec).toMatchObject({
      image: 'gantry/node:1',
      command: [
        'sh',
        '-c',
        'ip route replace 10.96.0.0/16 via 172.18.255.254; printf %s "$1" > /etc/resolv.conf; exec /pause',
        'sh',
        'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
      ],
      writableRoot: true,
      addCapabilities: ['NET_ADMIN'],
      dns: {
        servers: ['10.96.0.10'],
        searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
        options: ['ndots:5'],
      },
    });
    const options = sandboxOptions(spec, 'gantry/pause:1', 'net');
    expect(options).toMatchObject({
      Image: 'gantry/node:1',
      HostConfig: { CapAdd: ['NET_ADMIN'], ReadonlyRootfs: false },
    });
    expect(options.NetworkingConfig).toBeUndefined();
  });

  it('leads to external addresses of services too', () => {
    const outside = { ...routing, externalIps: ['203.0.113.7'] };
    const spec = sandbox(podIn('default'), node({ serviceRouting: () => outside }));
    expect(spec.command![2]).toContain('; ip route replace 203.0.113.7 via 172.18.255.254; ');
  });

  it('is the empty one with the DNS of the engine while services are not routed', () => {
    const spec = sandbox(podIn('default'), node({ serviceRouting: () => undefined }));
    expect([spec.image, spec.command, spec.addCapabilities, spec.dns]).toEqual(Array(4).fill(undefined));
    expect(sandboxOptions(spec, 'gantry/pause:1', 'net')).toMatchObject({ Image: 'gantry/pause:1' });
  });

  it('is the empty one on the host network', () => {
    const spec = sandbox(podIn('default', { hostNetwork: true }));
    expect([spec.image, spec.addCapabilities, spec.dns]).toEqual(Array(3).fill(undefined));
  });

  it('leaves the DNS to the engine where the pod asks for it, and still has the route', () => {
    const spec = sandbox(podIn('default', { dnsPolicy: 'Default' }));
    expect([spec.image, spec.dns]).toEqual(['gantry/node:1', undefined]);
  });

  it('has a fixed address for the router, which needs no route to itself', () => {
    const spec = sandbox(podIn('kube-system', {}, fixed));
    expect([spec.ipv4Address, spec.image]).toEqual(['172.18.255.254', undefined]);
    expect(sandboxOptions(spec, 'gantry/pause:1', 'net').NetworkingConfig).toEqual({
      EndpointsConfig: { net: { IPAMConfig: { IPv4Address: '172.18.255.254' } } },
    });
  });

  it("has no fixed address in users' namespaces", () => {
    expect(sandbox(podIn('default', {}, fixed)).ipv4Address).toBeUndefined();
  });
});

it('an engine gives out the lower half of a subnet, whose first address is the gateway', () => {
  expect(lowerHalf('172.18.0.0/16')).toBe('172.18.0.0/17');
  expect(firstAddress('192.168.112.0/20')).toBe('192.168.112.1');
});
