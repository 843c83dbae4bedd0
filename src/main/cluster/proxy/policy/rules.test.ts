import type { Namespace, NetworkPolicy, Pod } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { compilePolicies } from './isolation';
import { renderPodRules, renderRouterRules } from './render';
import { allows, passesHook, type Packet } from './testing';

const network = { gateway: '10.0.0.1', routers: ['10.0.255.254'], serviceCidr: '10.96.0.0/16' };
const namespace = (name: string, labels: Record<string, string> = {}): Namespace => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } } as never,
});
type Ports = { name: string; containerPort: number; protocol?: string }[];
function pod(key: string, ip: string, labels: Record<string, string> = {}, ports: Ports = []): Pod {
  const [ns, name] = key.split('/');
  return {
    metadata: { namespace: ns, name, uid: key, labels },
    spec: { containers: [{ name: 'main', ports }] },
    status: { podIP: ip },
  } as unknown as Pod;
}
let count = 0;
/** As the API server stores it: with its types. */
const policy = (spec: Record<string, unknown>, ns = 'default'): NetworkPolicy =>
  ({
    metadata: { namespace: ns, name: `policy-${++count}` },
    spec: { podSelector: {}, policyTypes: spec['egress'] ? ['Ingress', 'Egress'] : ['Ingress'], ...spec },
  }) as unknown as NetworkPolicy;

const namespaces = [namespace('default'), namespace('team', { team: 'a' }), namespace('kube-system')];
const http: Ports = [{ name: 'http', containerPort: 8080 }];
const web = pod('default/web', '10.0.0.10', { app: 'web' }, http);
const client = pod('default/client', '10.0.0.11', { app: 'client', tier: 'front' });
const guest = pod('team/guest', '10.0.0.12', { app: 'client' }, [{ name: 'http', containerPort: 9090 }]);
const dns = pod('kube-system/dns', '10.0.0.13', { 'k8s-app': 'kube-dns' });
const pods = [web, client, guest, dns];

/** Tells whether rules let a packet through, on the direct way and through a router; both must say the same. */
function judge(policies: NetworkPolicy[], all = pods, spaces = namespaces): (packet: Packet) => boolean {
  const compiled = compilePolicies({ policies, pods: all, namespaces: spaces, addressOf: (one) => one.status?.podIP });
  const isolations = new Map(
    all.flatMap((one) => {
      const isolation = compiled.isolationOf(one);
      return isolation ? [[one.status!.podIP!, isolation] as const] : [];
    }),
  );
  const rules = new Map([...isolations].map(([address, isolation]) => [address, renderPodRules(isolation, network)]));
  const routerRules = renderRouterRules(isolations, network);
  return (one) => {
    const { from: sender, to: receiver } = one;
    const direct =
      sender.address === receiver.address ||
      (passesHook(rules.get(sender.address) ?? '', 'output', one) &&
        passesHook(rules.get(receiver.address) ?? '', 'input', one));
    expect(passesHook(routerRules, 'forward', one)).toBe(direct);
    return direct;
  };
}

const packet = (from: Pod | string, to: Pod | string, port: number, protocol: Packet['protocol'] = 'TCP'): Packet => {
  const end = (one: Pod | string) =>
    typeof one === 'string' ? { address: one } : { address: one.status!.podIP!, pod: one };
  return { from: end(from), to: end(to), port, protocol };
};
const from = (...peers: object[]) =>
  policy({ podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: peers }] });
const ports = (...list: object[]) =>
  policy({ podSelector: { matchLabels: { app: 'web' } }, ingress: [{ ports: list }] });
const to = (...rules: object[]) =>
  policy({ podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'], egress: rules });
const deny = policy({});
const expression = (key: string, operator: string, values?: string[]) => ({
  podSelector: { matchExpressions: [{ key, operator, ...(values ? { values } : {}) }] },
});

describe('rules of network policies', () => {
  const cases: [string, NetworkPolicy[], Packet, boolean][] = [
    ['let everything through where there are none', [], packet(client, web, 8080), true],
    ['close what a policy selects', [deny], packet(client, web, 8080), false],
    ['are for their own namespace', [deny], packet(client, guest, 80), true],
    ['let pods reach themselves', [deny, to()], packet(client, client, 80), true],
    ['let the node reach its pods', [deny], packet('10.0.0.1', web, 8080), true],
    ['keep strangers out', [deny], packet('8.8.8.8', web, 8080), false],
    ['do not hold what is not selected', [from()], packet(web, client, 1), true],
    ['without peers let everybody in', [from()], packet('8.8.8.8', web, 1), true],
    ['know labels', [from({ podSelector: { matchLabels: { app: 'client' } } })], packet(client, web, 1), true],
    ['know labels of the own namespace only', [from({ podSelector: {} })], packet(guest, web, 1), false],
    ['know namespaces', [from({ namespaceSelector: { matchLabels: { team: 'a' } } })], packet(guest, web, 1), true],
    ['know all namespaces', [from({ namespaceSelector: {} })], packet(dns, web, 1), true],
    [
      'know other namespaces',
      [from({ namespaceSelector: { matchLabels: { team: 'a' } } })],
      packet(client, web, 1),
      false,
    ],
    [
      'ask both of one peer',
      [from({ namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: { matchLabels: { app: 'other' } } })],
      packet(guest, web, 1),
      false,
    ],
    [
      'take one of two peers',
      [from({ namespaceSelector: { matchLabels: { team: 'a' } } }, { podSelector: { matchLabels: { app: 'other' } } })],
      packet(guest, web, 1),
      true,
    ],
    ['know In', [from(expression('app', 'In', ['client', 'x']))], packet(client, web, 1), true],
    ['know NotIn', [from(expression('app', 'NotIn', ['client']))], packet(client, web, 1), false],
    ['know Exists', [from(expression('tier', 'Exists'))], packet(client, web, 1), true],
    ['know DoesNotExist', [from(expression('tier', 'DoesNotExist'))], packet(client, web, 1), false],
    ['know blocks', [from({ ipBlock: { cidr: '10.0.0.0/24' } })], packet(client, web, 1), true],
    [
      'know blocks with bits behind their prefix',
      [from({ ipBlock: { cidr: '10.0.0.200/24' } })],
      packet(client, web, 1),
      true,
    ],
    [
      'know what a block excepts',
      [from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.8/30', '10.0.0.0/24'] } })],
      packet(client, web, 1),
      false,
    ],
    [
      'take all addresses for a block',
      [from({ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } })],
      packet('8.8.8.8', web, 1),
      true,
    ],
    ['do not know IPv6', [from({ ipBlock: { cidr: '::/0' } })], packet(client, web, 1), false],
    ['know ports', [ports({ port: 80 })], packet(client, web, 80), true],
    ['know other ports', [ports({ port: 80 })], packet(client, web, 81), false],
    ['know protocols', [ports({ protocol: 'UDP', port: 80 })], packet(client, web, 80), false],
    ['know SCTP', [ports({ protocol: 'SCTP', port: 80 })], packet(client, web, 80, 'SCTP'), true],
    ['know a protocol without a port', [ports({ protocol: 'UDP' })], packet(client, web, 1, 'UDP'), true],
    [
      'know ranges that overlap',
      [ports({ port: 80, endPort: 90 }, { port: 85, endPort: 100 }, { port: 86 })],
      packet(client, web, 95),
      true,
    ],
    ['know the end of a range', [ports({ port: 80, endPort: 90 })], packet(client, web, 91), false],
    ['know names of ports', [ports({ port: 'http' })], packet(client, web, 8080), true],
    ['know no other port by a name', [ports({ port: 'http' })], packet(client, web, 80), false],
    [
      'know names by their protocol',
      [ports({ port: 'http', protocol: 'UDP' })],
      packet(client, web, 8080, 'UDP'),
      false,
    ],
    ['know names that nobody has', [ports({ port: 'nothing' })], packet(client, web, 8080), false],
    ['add up', [deny, ports({ port: 80 }), ports({ port: 81 })], packet(client, web, 81), true],
    ['close egress', [to()], packet(client, guest, 80), false],
    ['close egress to services of others only', [to()], packet(web, client, 80), true],
    ['let out to everywhere', [to({})], packet(client, '8.8.8.8', 443), true],
    ['let out to blocks', [to({ to: [{ ipBlock: { cidr: '8.0.0.0/8' } }] })], packet(client, '8.8.8.8', 443), true],
    ['let the node be reached', [to()], packet(client, '10.0.0.1', 443), true],
    [
      'let names be asked',
      [
        to({
          to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }],
          ports: [{ port: 53, protocol: 'UDP' }],
        }),
      ],
      packet(client, dns, 53, 'UDP'),
      true,
    ],
    [
      'mean by a name what the destination does',
      [to({ to: [{ namespaceSelector: {} }], ports: [{ port: 'http' }] })],
      packet(client, guest, 9090),
      true,
    ],
    [
      'mean nothing else by it',
      [to({ to: [{ namespaceSelector: {} }], ports: [{ port: 'http' }] })],
      packet(client, guest, 8080),
      false,
    ],
    [
      'mean by a name any pod that has it',
      [to({ ports: [{ port: 'http' }, { port: 1 }] })],
      packet(client, web, 8080),
      true,
    ],
    ['hold both ends', [deny, to({})], packet(client, web, 8080), false],
  ];
  it.each(cases)('%s', (_, policies, one, expected) => {
    expect(judge(policies)(one)).toBe(expected);
    const isNode = [one.from.address, one.to.address].includes(network.gateway);
    if (!isNode) expect(allows(policies, namespaces, one)).toBe(expected);
  });

  it('do not change with the order of things', () => {
    const policies = [
      deny,
      ports({ port: 80 }, { port: 'http' }),
      from({ podSelector: {} }, { namespaceSelector: {} }),
    ];
    const render = (some: NetworkPolicy[], others: Pod[]) =>
      renderPodRules(
        compilePolicies({
          policies: some,
          pods: others,
          namespaces,
          addressOf: (one) => one.status?.podIP,
        }).isolationOf(web)!,
        network,
      );
    expect(render(policies.toReversed(), pods.toReversed())).toBe(render(policies, pods));
  });

  it('leave out pods that have no address', () => {
    const fresh = pod('default/fresh', '', { app: 'client' });
    const { isolationOf } = compilePolicies({
      policies: [from({ podSelector: {} })],
      pods: [...pods, fresh],
      namespaces,
      addressOf: (one) => one.status?.podIP || undefined,
    });
    expect(isolationOf(web)!.ingress![0]!.peers!.addresses).toEqual(['10.0.0.10', '10.0.0.11']);
  });
});

/** Numbers that look random and are the same each time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

it('rules mean what policies say, whatever they say', () => {
  const random = generator(20_261_121);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const some = <T>(most: number, make: () => T): T[] => Array.from({ length: random(most + 1) }, make);
  const labels = () => Object.fromEntries(some(2, () => [pick(['a', 'b']), pick(['1', '2'])]));
  const selector = () =>
    pick([
      {},
      { matchLabels: labels() },
      { matchExpressions: [{ key: pick(['a', 'b']), operator: pick(['In', 'NotIn']), values: [pick(['1', '2'])] }] },
      { matchExpressions: [{ key: pick(['a', 'b']), operator: pick(['Exists', 'DoesNotExist']) }] },
    ]);
  const cidr = () => `10.0.${random(2)}.${random(64)}/${pick([8, 16, 24, 27, 30, 32])}`;
  const peer = () =>
    pick<() => object>([
      () => ({ podSelector: selector() }),
      () => ({ namespaceSelector: selector() }),
      () => ({ podSelector: selector(), namespaceSelector: selector() }),
      () => ({ ipBlock: { cidr: pick([cidr(), '0.0.0.0/0']), except: some(3, cidr) } }),
    ])();
  const protocol = () => pick(['TCP', 'UDP', 'SCTP'] as const);
  const portOf = () => {
    const port = 1 + random(5);
    return pick<object>([
      { protocol: protocol() },
      { protocol: protocol(), port },
      { protocol: protocol(), port, endPort: port + random(4) },
      { protocol: protocol(), port: pick(['x', 'y']) },
    ]);
  };
  const rule = (side: 'from' | 'to') => ({ [side]: some(2, peer), ports: some(3, portOf) });
  let allowed = 0;
  const rounds = 300;
  for (let round = 0; round < rounds; round++) {
    const spaces = ['n1', 'n2'].map((name) => namespace(name, labels()));
    const all = Array.from({ length: 5 }, (_, index) =>
      pod(`${pick(['n1', 'n2'])}/p${index}`, `10.0.${random(2)}.${2 + index * 12 + random(12)}`, labels(), [
        ...some(1, () => ({ name: 'x', containerPort: 1 + random(5), protocol: protocol() })),
        ...some(1, () => ({ name: 'y', containerPort: 1 + random(5), protocol: protocol() })),
      ]),
    );
    const policies = some(4, () =>
      policy(
        {
          podSelector: selector(),
          policyTypes: pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
          ingress: some(2, () => rule('from')),
          egress: some(2, () => rule('to')),
        },
        pick(['n1', 'n2']),
      ),
    );
    const passes = judge(policies, all, spaces);
    for (let tries = 0; tries < 4; tries++) {
      const end = () => pick<Pod | string>([...all, '10.0.1.200', '10.9.0.1']);
      const one = packet(end(), end(), 1 + random(6), protocol());
      const expected = allows(policies, spaces, one);
      if (expected) allowed++;
      if (passes(one) !== expected) expect.fail(JSON.stringify({ expected, policies, one }, null, 1));
    }
  }
  expect(allowed).toBeGreaterThan(rounds / 2);
  expect(allowed).toBeLessThan(rounds * 3.5);
}, 30_000);
