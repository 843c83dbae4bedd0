import type { Event, NetworkPolicy, Pod } from '@shared/k8s';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';
import { silentLogger } from '../../log';
import { createNetworkPolicies, type NetworkPolicies, type PolicyNetwork } from './index';

let bed: Testbed;
let policies: NetworkPolicies;
/** What was loaded, in order: whose network and which rules. */
let loads: { id: string; rules: string }[];
/** The newest rules of each network. */
const rules = (id: string): string | undefined => loads.findLast((load) => load.id === id)?.rules;
let refuse: string | undefined;
let kept: Record<string, string>;
let network: PolicyNetwork | undefined;
/** Sandboxes that run, by uid. */
let sandboxes: Map<string, string>;

function create(): NetworkPolicies {
  return createNetworkPolicies({
    client: bed.client,
    informers: bed.informers,
    networks: {
      list: async () => sandboxes,
      async load(id, text) {
        if (refuse) throw new Error(refuse);
        loads.push({ id, rules: text });
        return true;
      },
    },
    memory: { read: async () => kept, write: async (known) => void (kept = known) },
    nodes: () => ['one'],
    network: () => network,
    clock: bed.clock,
    log: silentLogger,
  });
}

let addresses = 1;
/** A pod whose sandbox runs. */
async function pod(name: string, nodeName = 'one', more: object = {}): Promise<Pod> {
  const made = await bed.client.create<Pod>(resources.pods, {
    metadata: { namespace: 'default', name, labels: { app: name } },
    spec: { nodeName, containers: [{ name: 'main', image: 'web' }], ...more },
  });
  sandboxes.set(made.metadata.uid, `sandbox-of-${name}`);
  return bed.client.updateStatus<Pod>(resources.pods, {
    ...made,
    status: { phase: 'Running', podIP: `10.0.0.${++addresses}` },
  });
}
const policy = (name: string, spec: object): Promise<NetworkPolicy> =>
  bed.client.create<NetworkPolicy>(resources.networkPolicies, { metadata: { namespace: 'default', name }, spec });
const settle = () => bed.advance(1000);
const deny = { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress', 'Egress'] };

beforeEach(async () => {
  loads = [];
  kept = {};
  refuse = undefined;
  sandboxes = new Map();
  network = { gateway: '10.0.0.1', routers: ['10.0.255.254'], serviceCidr: '10.96.0.0/16' };
  bed = await startTestbed();
  policies = create();
  await bed.informers.start();
});
afterEach(async () => {
  await policies.stop();
  bed.stop();
});

it('touches the pods that policies select, when what they say changes, and no others', async () => {
  await pod('web');
  await pod('other');
  await pod('far', 'simulated');
  await pod('host', 'one', { hostNetwork: true });
  await policies.start();
  await settle();
  expect(loads).toEqual([]);

  await policy('deny', { podSelector: {} });
  await settle();
  expect(loads.map(({ id }) => id).sort()).toEqual(['sandbox-of-other', 'sandbox-of-web']);
  await policy('allow', { ...deny, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: {} }] }] });
  await settle();
  expect(loads).toHaveLength(3);
  expect(rules('sandbox-of-web')).toContain('ip saddr { 10.0.0.2, 10.0.0.3 } accept');

  await pod('late');
  await settle();
  expect(rules('sandbox-of-web')).toContain('10.0.0.6');
  for (const name of ['deny', 'allow']) await bed.client.delete(resources.networkPolicies, 'default', name);
  await settle();
  expect(rules('sandbox-of-web')).toBe('table inet gantry-policy\ndelete table inet gantry-policy\n');
  expect(kept).toEqual({});
});

it('has rules in place before a pod may start', async () => {
  await policies.start();
  await policy('deny', deny);
  const web = await pod('web');
  await policies.guard(web, { id: 'fresh', ip: '10.0.0.77' });
  expect(rules('fresh')).toContain('policy drop');
  const before = loads.length;
  await policies.guard(web, { id: 'fresh', ip: '10.0.0.77' });
  expect(loads).toHaveLength(before);
});

it('lets no pod start that it cannot hold to its policies', async () => {
  await policies.start();
  await policy('deny', deny);
  const web = await pod('web');
  refuse = 'nft said no';
  await expect(policies.guard(web, { id: 'fresh', ip: '' })).rejects.toThrow('nft said no');
  network = undefined;
  await expect(policies.guard(web, { id: 'fresh', ip: '' })).rejects.toThrow('node image');
  await policies.guard(await pod('other'), { id: 'others', ip: '' });
});

it('says on the pod that rules were refused, and tries again', async () => {
  await pod('web');
  await policies.start();
  refuse = 'nft said no';
  await policy('deny', deny);
  await settle();
  const { items } = await bed.client.list<Event>(resources.events, 'default');
  expect(items.find(({ reason }) => reason === 'FailedApplyNetworkPolicy')).toMatchObject({
    type: 'Warning',
    message: 'nft said no',
    involvedObject: { kind: 'Pod', name: 'web' },
  });
  refuse = undefined;
  await bed.advance(31_000);
  expect(rules('sandbox-of-web')).toContain('policy drop');
});

it('knows after a restart what holds, and takes away what should not', async () => {
  await pod('web');
  await pod('other');
  await policies.start();
  await policy('deny', { podSelector: {} });
  await settle();
  await policies.stop();
  await bed.client.delete(resources.networkPolicies, 'default', 'deny');
  await policy('deny', { podSelector: { matchLabels: { app: 'web' } } });
  loads = [];
  policies = create();
  await policies.start();
  await settle();
  expect(loads).toEqual([
    { id: 'sandbox-of-other', rules: expect.stringMatching(/delete table inet gantry-policy\n$/) },
  ]);
});

it('asks the routers about traffic through services, before they get any', async () => {
  const router = await bed.client.create<Pod>(resources.pods, {
    metadata: { namespace: 'kube-system', name: 'kube-proxy-one', labels: { 'k8s-app': 'kube-proxy' } },
    spec: { nodeName: 'one', containers: [{ name: 'kube-proxy', image: 'node' }] },
  });
  const running = { name: 'kube-proxy', containerID: 'docker://router', ready: true, state: { running: {} } };
  await bed.client.updateStatus(resources.pods, {
    ...router,
    status: {
      phase: 'Running',
      podIP: '10.0.255.254',
      containerStatuses: [{ ...running, restartCount: 0, image: '', imageID: '' }],
    },
  });
  const web = await pod('web');
  await policy('deny', deny);
  await bed.advance(0);
  await policies.guardRouters();
  expect(loads.map(({ id }) => id)).toEqual(['router']);
  expect(rules('router')).toMatch(new RegExp(`${web.status!.podIP} : jump ingress-`));
  await policies.guard(web, { id: 'moved', ip: '10.0.0.99' });
  expect(loads.map(({ id }) => id)).toEqual(['router', 'router', 'moved']);
  expect(rules('router')).toContain('10.0.0.99 : jump egress-');
});
