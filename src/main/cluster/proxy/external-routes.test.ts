import type { Pod, Service } from '@shared/k8s';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../test/support/testbed';
import { resources } from '../client/resources';
import { silentLogger } from '../log';
import { createExternalRoutes, type ExternalRoutes } from './external-routes';

let bed: Testbed;
let routes: ExternalRoutes;
let running: Map<string, string>;
/** `sandbox: script` of what was run, without its first line. */
let ran: string[];
let fault: Error | undefined;

beforeEach(async () => {
  running = new Map();
  ran = [];
  fault = undefined;
  bed = await startTestbed();
  routes = createExternalRoutes({
    informers: bed.informers,
    sandboxes: {
      list: async () => running,
      async script(id, text) {
        if (fault) throw fault;
        ran.push(`${id}: ${text.split('\n').slice(1).join('; ')}`);
        return true;
      },
    },
    routerOf: (node) => (node === 'one' ? '172.18.255.254' : undefined),
    clock: bed.clock,
    log: silentLogger,
  });
  await bed.informers.start();
  routes.start();
});
afterEach(async () => {
  await routes.stop();
  bed.stop();
});

async function pod(name: string, spec: object = {}): Promise<Pod> {
  const made = await bed.client.create<Pod>(resources.pods, {
    metadata: { namespace: 'default', name },
    spec: { nodeName: 'one', containers: [{ name: 'main', image: 'busybox:1' }], ...spec },
  });
  running.set(made.metadata.uid, `sandbox-${name}`);
  return made;
}
const service = (name: string, externalIPs: string[]) =>
  bed.client.create<Service>(resources.services, {
    metadata: { namespace: 'default', name },
    spec: { externalIPs, ports: [{ port: 80 }] },
  });

it('leads pods that run to addresses of later Services, and no longer to those that are gone', async () => {
  await pod('a');
  await pod('elsewhere', { nodeName: 'simulated' });
  await pod('on-host', { hostNetwork: true });
  await bed.advance(1000);
  expect(ran).toEqual([]);
  await service('first', ['198.51.100.7']);
  await bed.advance(1000);
  expect(ran.splice(0)).toEqual(['sandbox-a: ip route replace 198.51.100.7 via 172.18.255.254']);
  expect(routes.addresses()).toEqual(['198.51.100.7']);
  await service('second', ['198.51.100.8', '2001:db8::1']);
  await bed.client.delete(resources.services, 'default', 'first');
  await bed.advance(1000);
  expect(ran.splice(0)).toEqual([
    'sandbox-a: ip route del 198.51.100.7 via 172.18.255.254 2>/dev/null || true; ip route replace 198.51.100.8 via 172.18.255.254',
  ]);
  await bed.client.delete(resources.services, 'default', 'second');
  await bed.advance(1000);
  expect(ran).toEqual(['sandbox-a: ip route del 198.51.100.8 via 172.18.255.254 2>/dev/null || true']);
});

it('tells a pod whose sandbox is new, once, and tries another time what failed', async () => {
  fault = new Error('sh: not found');
  const { status, ...made } = await pod('a');
  await service('first', ['198.51.100.7']);
  await bed.advance(1000);
  fault = undefined;
  await bed.client.updateStatus<Pod>(resources.pods, { ...made, status: { ...status, podIP: '172.18.0.9' } });
  await bed.advance(1000);
  await service('other', []);
  await bed.advance(1000);
  expect(ran).toEqual(['sandbox-a: ip route replace 198.51.100.7 via 172.18.255.254']);
});
