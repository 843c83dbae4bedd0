import type { Pod, Service } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';
import { silentLogger } from '../../log';
import { service } from '../testing';
import { createHostPorts, type HostPorts } from './index';
import { hostPortsPod, podName } from './pod';
import { wantedPorts } from './wanted';

const router = '172.18.255.254';

describe('the ports a service asks of this machine', () => {
  const ports = [{ name: 'http', port: 80, nodePort: 30080 }];

  it('are none for cluster addresses, headless and external names', () => {
    expect(wantedPorts(service('default', 'a', { type: 'ClusterIP', clusterIP: '10.96.0.2', ports }), router)).toEqual(
      [],
    );
    expect(wantedPorts(service('default', 'a', { type: 'NodePort', clusterIP: 'None', ports }), router)).toEqual([]);
  });

  it('are node ports, and the ports of load balancers', () => {
    const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.2', ports };
    const target = { ip: router, port: 30080 };
    expect(wantedPorts(service('default', 'a', spec), router)).toEqual([
      { use: 'balancer', protocol: 'TCP', port: 80, target },
      { use: 'node', protocol: 'TCP', port: 30080, target },
    ]);
    expect(
      wantedPorts(service('default', 'a', { ...spec, loadBalancerClass: 'example.com/other' }), router),
    ).toMatchObject([{ use: 'node', port: 30080 }]);
  });

  it('lead to the cluster address where there is no node port', () => {
    const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.2', ports: [{ port: 53, protocol: 'UDP' }] };
    expect(wantedPorts(service('default', 'a', spec), router)).toEqual([
      { use: 'balancer', protocol: 'UDP', port: 53, target: { ip: '10.96.0.2', port: 53 } },
    ]);
  });

  it('lead past a node port that is for one node alone', () => {
    const spec = { type: 'NodePort', clusterIP: '10.96.0.2', externalTrafficPolicy: 'Local', ports };
    expect(wantedPorts(service('default', 'a', spec), router)).toMatchObject([
      { use: 'node', port: 30080, target: { ip: '10.96.0.2', port: 80 } },
    ]);
    expect(wantedPorts(service('default', 'a', { ...spec, internalTrafficPolicy: 'Local' }), router)).toMatchObject([
      { use: 'node', port: 30080, target: { ip: router, port: 30080 } },
    ]);
  });

  it('are opened on loopback, node ports on the address of the node too', () => {
    const spec = { type: 'LoadBalancer', clusterIP: '10.96.0.2', ports };
    const pod = hostPortsPod({
      service: { namespace: 'default', name: 'a' },
      node: 'one',
      image: 'node:1',
      nodeAddress: '172.18.0.1',
      ports: wantedPorts(service('default', 'a', spec), router),
    });
    expect(pod.spec!.containers[0]!.ports!.map(({ hostIP, hostPort }) => `${hostIP}:${hostPort}`)).toEqual([
      '127.0.0.1:80',
      '127.0.0.1:30080',
      '172.18.0.1:30080',
    ]);
    expect(pod.spec!.containers[0]!.env![0]!.value).toContain(`tcp dport 80 dnat to ${router}:30080\n`);
  });
});

describe('host ports', () => {
  let bed: Testbed;
  let hostPorts: HostPorts;
  const busy = new Set<number>();

  beforeEach(async () => {
    busy.clear();
    bed = await startTestbed();
    await bed.client.create(resources.nodes, { metadata: { name: 'one' } });
    hostPorts = createHostPorts({
      client: bed.client,
      informers: bed.informers,
      portInUse: async (port) => busy.has(port),
      place: () => ({ image: 'node:1', node: 'one', router }),
      clock: bed.clock,
      log: silentLogger,
    });
    await bed.informers.start();
    hostPorts.start();
    bed.play((pod) => pod.metadata.namespace === 'kube-system');
    await bed.advance(500);
  });
  afterEach(async () => {
    await hostPorts.stop();
    bed.stop();
  });

  const create = (name: string, port: number, more: object = {}) =>
    bed.client.create<Service>(resources.services, {
      metadata: { namespace: 'default', name },
      spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port }], ...more },
    });
  const get = (name: string) => bed.client.get<Service>(resources.services, 'default', name);
  const pod = (name: string) =>
    bed.client.get<Pod>(resources.pods, 'kube-system', podName('default', name)).catch(() => undefined);

  it('give a load balancer an address once its ports are open', async () => {
    await create('web', 8080);
    await bed.advance(1000);
    expect((await get('web')).status).toEqual({ loadBalancer: { ingress: [{ ip: '127.0.0.1', ipMode: 'Proxy' }] } });
    expect(await bed.events('web')).toEqual([
      'EnsuringLoadBalancer: Ensuring load balancer',
      'EnsuredLoadBalancer: Ensured load balancer',
    ]);
    await bed.edit<Service>(resources.services, 'web', (draft) => {
      draft.spec!.type = 'ClusterIP';
    });
    await bed.advance(1000);
    expect(await pod('web')).toBeUndefined();
    expect((await get('web')).status).toEqual({ loadBalancer: {} });
  });

  it('say who has a port, and take it when it is free', async () => {
    busy.add(8080);
    await create('web', 8080);
    await bed.advance(1000);
    expect(await pod('web')).toBeUndefined();
    expect((await get('web')).status).toMatchObject({
      loadBalancer: {},
      conditions: [{ type: 'LoadBalancerPortsError', status: 'True', reason: 'PortInUse' }],
    });
    expect(await bed.events('web')).toEqual([
      'SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: port 8080/TCP of this machine is in use by another program',
    ]);
    busy.clear();
    await bed.advance(11_000);
    expect((await get('web')).status).toEqual({ loadBalancer: { ingress: [{ ip: '127.0.0.1', ipMode: 'Proxy' }] } });
  });

  it('leave a port to the service that has it, until that is gone', async () => {
    await create('first', 8080);
    await bed.advance(1000);
    await create('second', 8080);
    await bed.advance(1000);
    expect((await bed.events('second')).join()).toContain(
      'port 8080/TCP of this machine is in use by Service default/first',
    );
    await bed.client.delete(resources.services, 'default', 'first');
    await bed.advance(11_000);
    expect((await get('second')).status!.loadBalancer!.ingress).toHaveLength(1);
  });

  it('leave other classes alone, and open the node ports of a balancer whose own are taken', async () => {
    busy.add(8080);
    await create('other', 8080, { loadBalancerClass: 'example.com/other' });
    await create('web', 8080, { allocateLoadBalancerNodePorts: true });
    await bed.advance(1000);
    expect(await pod('other')).toBeUndefined();
    expect((await get('other')).status).toEqual({ loadBalancer: {} });
    const nodePort = (await get('web')).spec!.ports![0]!.nodePort;
    expect((await pod('web'))!.spec!.containers[0]!.ports!.map(({ hostPort }) => hostPort)).toEqual([nodePort]);
  });
});
