import { describe, expect, it } from 'vitest';
import { createTestServer } from './testing';

const path = '/api/v1/namespaces/default/services';
const service = (name: string, spec: Record<string, unknown> = {}) => ({
  metadata: { name },
  spec: { selector: { a: 'b' }, ports: [{ port: 80 }], ...spec },
});

describe('service addresses', () => {
  it('allocates, keeps and gives back', async () => {
    const { send } = await createTestServer({ serviceCidr: '10.9.0.0/29' });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const addresses = new Set<string>();
    for (const name of names) {
      const { body } = await send('POST', path, { body: service(name) });
      expect(body.spec.clusterIPs).toEqual([body.spec.clusterIP]);
      addresses.add(body.spec.clusterIP);
    }
    expect([...addresses].sort()).toEqual([1, 2, 3, 4, 5, 6].map((last) => `10.9.0.${last}`));
    await expect(send('POST', path, { body: service('g') })).rejects.toMatchObject({
      code: 500,
      message: expect.stringContaining('range is full'),
    });
    await send('DELETE', `${path}/c`);
    expect((await send('POST', path, { body: service('g') })).status).toBe(201);
  });

  it('gives kubernetes the first and others what they ask for', async () => {
    const { send } = await createTestServer();
    expect((await send('POST', path, { body: service('kubernetes') })).body.spec.clusterIP).toBe('10.96.0.1');
    expect((await send('POST', path, { body: service('dns', { clusterIP: '10.96.0.10' }) })).body.spec.clusterIP).toBe(
      '10.96.0.10',
    );
    expect(
      (await send('POST', path, { body: service('headless', { clusterIP: 'None' }) })).body.spec.clusterIPs,
    ).toEqual(['None']);
    await expect(send('POST', path, { body: service('x', { clusterIP: '10.96.0.10' }) })).rejects.toMatchObject({
      code: 422,
      message:
        'Service "x" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    });
    await expect(send('POST', path, { body: service('x', { clusterIP: '10.1.0.10' }) })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining(
        'the provided IP (10.1.0.10) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
      ),
    });
  });

  it('keeps node ports apart', async () => {
    const { send } = await createTestServer();
    const fixed = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] };
    const { body } = await send('POST', path, { body: service('a', fixed) });
    await expect(send('POST', path, { body: service('b', fixed) })).rejects.toMatchObject({
      code: 422,
      message:
        'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    });
    await expect(
      send('POST', path, { body: service('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }) }),
    ).rejects.toMatchObject({ code: 422, message: expect.stringContaining('The range of valid ports is 30000-32767') });
    const updated = await send('PUT', `${path}/a`, { body: { ...body, spec: { ...body.spec, selector: { c: 'd' } } } });
    expect(updated.body.spec.ports[0].nodePort).toBe(30_080);
    const free = await send('POST', path, { body: service('c', { type: 'NodePort' }) });
    expect(free.body.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30_000);
    // A request that failed holds nothing.
    await send('DELETE', `${path}/a`);
    expect((await send('POST', path, { body: service('b', fixed) })).status).toBe(201);
  });

  it('lets two requests at once not have the same port', async () => {
    const { send } = await createTestServer();
    const fixed = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] };
    const results = await Promise.allSettled(
      ['a', 'b'].map((name) => send('POST', path, { body: service(name, fixed) })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('the policy for traffic from outside', () => {
  const balancer = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };

  it('comes with a port for health checks where load balancers need one, and goes with it', async () => {
    const { send } = await createTestServer();
    const made = (await send('POST', path, { body: service('a', balancer) })).body;
    const port = made.spec.healthCheckNodePort;
    expect(port).toBeGreaterThanOrEqual(30_000);
    await expect(
      send('POST', path, { body: service('b', { ...balancer, healthCheckNodePort: port }) }),
    ).rejects.toMatchObject({
      code: 422,
      message: `Service "b" is invalid: spec.healthCheckNodePort: Invalid value: ${port}: failed to allocate requested HealthCheck NodePort ${port}: provided port is already allocated`,
    });
    const patch = (spec: object) =>
      send('PATCH', `${path}/a`, { body: { spec }, contentType: 'application/merge-patch+json' });
    await expect(patch({ healthCheckNodePort: 30_001 })).rejects.toMatchObject({
      message: 'Service "a" is invalid: spec.healthCheckNodePort: Invalid value: 30001: field is immutable',
    });
    const { healthCheckNodePort: _, ...without } = made.spec;
    const replaced = await send('PUT', `${path}/a`, { body: { ...made, spec: without } });
    expect(replaced.body.spec.healthCheckNodePort).toBe(port);
    expect((await patch({ externalTrafficPolicy: 'Cluster' })).body.spec.healthCheckNodePort).toBeUndefined();
    expect((await patch({ type: 'ClusterIP' })).body.spec.externalTrafficPolicy).toBeUndefined();
    const other = await send('POST', path, { body: service('b', { ...balancer, healthCheckNodePort: port }) });
    expect(other.body.spec.healthCheckNodePort).toBe(port);
  });

  it('is for Services that are reached from outside', async () => {
    const { send } = await createTestServer();
    const refusal = (spec: object) =>
      send('POST', path, { body: service('a', { ...spec }) }).then(
        () => 'accepted',
        ({ message }: Error) => message.replace('Service "a" is invalid: ', ''),
      );
    expect(await refusal({ externalTrafficPolicy: 'Local' })).toBe(
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    );
    expect(await refusal({ type: 'NodePort', healthCheckNodePort: 30_005 })).toBe(
      "spec.healthCheckNodePort: Invalid value: 30005: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
    expect(await refusal({ type: 'NodePort', externalTrafficPolicy: 'Some' })).toBe(
      'spec.externalTrafficPolicy: Unsupported value: "Some": supported values: "Cluster", "Local"',
    );
    expect(await refusal({ externalIPs: ['203.0.113.7'], externalTrafficPolicy: 'Local' })).toBe('accepted');
  });
});
