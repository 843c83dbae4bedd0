import { createHash } from 'node:crypto';
import { disjoint, normalized, type Block } from './cidr';
import { groupBy } from './group';
import type { Allowance, Isolation, PortRange } from './isolation';

const table = 'inet gantry-policy';

/** Makes it exist, so that it can be deleted. */
export const removal = `table ${table}\ndelete table ${table}\n`;

/** What the rules of a pod need to know of the network. */
export interface PolicyNetwork {
  /** The node's own address: its kubelet must always get through. */
  gateway: string;
  /** Traffic to services comes from them. They ask the policies themselves, while they still see who sends. */
  routers: readonly string[];
  serviceCidr: string;
}

/** Conditions on the other end, one line each; no line when there can be none. */
function peerMatches(peers: Allowance['peers'], side: 'saddr' | 'daddr'): string[] {
  if (!peers) return [''];
  const blockMatch = ({ cidr, except }: Block): string => {
    const whole = normalized(cidr);
    const match = whole === '0.0.0.0/0' ? 'meta nfproto ipv4' : `ip ${side} ${whole}`;
    const left = disjoint(except);
    return left.length > 0 ? `${match} ip ${side} != { ${left.join(', ')} }` : match;
  };
  return [
    ...(peers.addresses.length > 0 ? [`ip ${side} { ${peers.addresses.join(', ')} }`] : []),
    ...peers.blocks.map(blockMatch),
  ];
}

/** Conditions on the port, one per protocol. Ranges that touch are one: the kernel takes no overlaps. */
function portMatches(ports: readonly PortRange[] | undefined): string[] {
  if (!ports) return [''];
  return [...groupBy(ports, ({ protocol }) => protocol)].map(([protocol, ranges]) => {
    if (ranges.some(({ first }) => first === undefined)) return `meta l4proto ${protocol}`;
    const merged: [number, number][] = [];
    for (const { first, last } of ranges.toSorted((a, b) => a.first! - b.first!)) {
      const before = merged.at(-1);
      if (before && first! <= before[1] + 1) before[1] = Math.max(before[1], last!);
      else merged.push([first!, last!]);
    }
    return `${protocol} dport { ${merged.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(', ')} }`;
  });
}

/** One rule per combination, each once, in a stable order. */
function rulesOf(allowances: readonly Allowance[], side: 'saddr' | 'daddr', verdict: string): string[] {
  const lines = allowances.flatMap(({ peers, ports }) =>
    peerMatches(peers, side).flatMap((peer) => portMatches(ports).map((port) => `${peer} ${port} ${verdict}`)),
  );
  return [...new Set(lines.map((line) => line.replace(/ +/g, ' ').trim()))].sort();
}

const chain = (name: string, lines: string[]): string[] => [
  `  chain ${name} {`,
  ...lines.map((line) => `    ${line}`),
  '  }',
];

const replaced = (body: string[]): string => `${removal}table ${table} {\n${body.join('\n')}\n}\n`;

/**
 * The rules of a pod's own network namespace as text for `nft -f -`, which replaces
 * them in one transaction. Connections that were allowed go on, whatever way their
 * packets go. Pure: equal input, equal text.
 */
export function renderPodRules({ ingress, egress }: Isolation, network: PolicyNetwork): string {
  // IPv6 neighbours must find each other even where nothing else is allowed.
  const basics = [
    'ct state established,related accept',
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
  ];
  const trusted = [network.gateway, ...network.routers].filter(Boolean);
  return replaced([
    ...(ingress
      ? chain('input', [
          'type filter hook input priority filter; policy drop;',
          'iifname "lo" accept',
          ...basics,
          ...(trusted.length > 0 ? [`ip saddr { ${trusted.join(', ')} } accept`] : []),
          ...rulesOf(ingress, 'saddr', 'accept'),
        ])
      : []),
    ...(egress
      ? chain('output', [
          'type filter hook output priority filter; policy drop;',
          'oifname "lo" accept',
          ...basics,
          // Where it leads is known to the router alone, which then asks.
          ...(network.routers.length > 0 ? [`ip daddr ${network.serviceCidr} accept`] : []),
          ...(network.gateway ? [`ip daddr ${network.gateway} accept`] : []),
          ...rulesOf(egress, 'daddr', 'accept'),
        ])
      : []),
  ]);
}

/**
 * The same policies for traffic through services, asked by the routers after an
 * address was translated to an endpoint's and before the sender's is hidden. Pure.
 * @param isolations by address of the pod
 */
export function renderRouterRules(isolations: ReadonlyMap<string, Isolation>, { gateway }: PolicyNetwork): string {
  if (isolations.size === 0) return removal;
  const chains = new Map<string, string[]>();
  const elements = (direction: 'ingress' | 'egress', side: 'saddr' | 'daddr'): string[] =>
    [...isolations]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([address, isolation]) => {
        const allowances = isolation[direction];
        if (!allowances) return [];
        const lines = [
          ...(gateway ? [`ip ${side} ${gateway} return`] : []),
          ...rulesOf(allowances, side, 'return'),
          'drop',
        ];
        // Pods with the same rules share them.
        const name = `${direction}-${createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16)}`;
        chains.set(name, lines);
        return [`${address} : jump ${name}`];
      });
  const map = (name: string, entries: string[]): string[] => [
    `  map ${name} {`,
    '    type ipv4_addr : verdict',
    ...(entries.length > 0 ? ['    elements = {', `      ${entries.join(',\n      ')}`, '    }'] : []),
    '  }',
  ];
  const maps = [...map('senders', elements('egress', 'daddr')), ...map('receivers', elements('ingress', 'saddr'))];
  const itself = [...isolations.keys()].sort().map((address) => `${address} . ${address}`);
  return replaced([
    ...[...chains].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, lines]) => chain(name, lines)),
    ...maps,
    ...chain('forward', [
      'type filter hook forward priority filter; policy accept;',
      'ct state established,related accept',
      `ip saddr . ip daddr { ${itself.join(', ')} } accept`,
      'ip saddr vmap @senders',
      'ip daddr vmap @receivers',
    ]),
  ]);
}
