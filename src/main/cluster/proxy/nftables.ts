import type { Backend, ServicePortBackends } from './services';

/** What a router's table has by name: chains to be emptied and filled, sets that remember clients. */
export interface TableContents {
  chains: string[];
  sets: string[];
}

const baseChains = ['prerouting', 'forward', 'postrouting', 'output'];

/** What is in a table as `nft -t list table` prints it. */
export function contentsOf(listing: string): TableContents {
  const names = (what: string): string[] =>
    [...listing.matchAll(new RegExp(`^\\s*${what} (\\S+) \\{`, 'gm'))].map((match) => match[1]!);
  return { chains: names('chain'), sets: names('set') };
}

/** The chain of one address of a port and, where clients stay with their endpoint, one chain and set for each of these. */
interface PortChains {
  name: string;
  port: ServicePortBackends;
  backends: Backend[];
}

/**
 * The rules of a router as text for `nft -f -`, loaded in one transaction so that no
 * packet ever sees half of them. Connections that are under way keep their endpoint, and
 * the sets that remember which client belongs to which endpoint stay. Pure: equal input, equal text.
 * @param serviceCidr what goes there and has no endpoint is refused, not left waiting
 * @param before what is in the table; undefined replaces it as a whole
 */
export function renderRuleset(
  ports: readonly ServicePortBackends[],
  serviceCidr: string,
  before?: TableContents,
): { text: string; contents: TableContents } {
  const chains: PortChains[] = [];
  const services: string[] = [];
  const nodePorts: string[] = [];
  const lead = (backends: Backend[], prefix: string, port: ServicePortBackends): string | undefined => {
    if (backends.length === 0) return undefined;
    const name = `${prefix}-${port.namespace}/${port.name}/${port.protocol}/${port.port}`;
    chains.push({ name, port, backends });
    return name;
  };
  for (const port of ports) {
    const inside = lead(port.backends, 'svc', port);
    const outside = port.externalBackends ? lead(port.externalBackends, 'ext', port) : inside;
    const atNode = port.nodeBackends ? lead(port.nodeBackends, 'node', port) : outside;
    const enter = (map: string[], address: string, chain: string | undefined): void => {
      if (chain) map.push(`${port.protocol} . ${address} : goto ${chain}`);
      else if (port.elsewhere) map.push(`${port.protocol} . ${address} : drop`);
    };
    enter(services, `${port.clusterIp} . ${port.port}`, inside);
    for (const ip of port.externalIps ?? []) enter(services, `${ip} . ${port.port}`, outside);
    if (port.nodePort) enter(nodePorts, String(port.nodePort), atNode);
  }
  const sets = chains.flatMap((one) => (one.port.affinitySeconds ? one.backends.map((to) => setOf(one, to)) : []));
  const rules = chains.flatMap((one) => portRules(one));
  const contents = { chains: [...baseChains, ...rules.map(({ chain }) => chain)], sets };
  const text = [
    ...(before ? [] : ['table ip gantry', 'delete table ip gantry']),
    'table ip gantry {',
    '  map services {',
    '    type inet_proto . ipv4_addr . inet_service : verdict',
    '  }',
    '  map node-ports {',
    '    type inet_proto . inet_service : verdict',
    '  }',
    '}',
    'flush table ip gantry',
    'flush map ip gantry services',
    'flush map ip gantry node-ports',
    ...missing(before?.chains, contents.chains).map((name) => `delete chain ip gantry ${name}`),
    ...missing(before?.sets, contents.sets).map((name) => `delete set ip gantry ${name}`),
    'table ip gantry {',
    ...sets.flatMap((name) => [`  set ${name} {`, '    type ipv4_addr', '    flags dynamic,timeout', '  }']),
    ...rules.flatMap(({ chain, lines }) => [`  chain ${chain} {`, ...lines.map((line) => `    ${line}`), '  }']),
    ...frame(serviceCidr),
    '}',
    ...(services.length > 0 ? [`add element ip gantry services { ${services.join(', ')} }`] : []),
    ...(nodePorts.length > 0 ? [`add element ip gantry node-ports { ${nodePorts.join(', ')} }`] : []),
    '',
  ].join('\n');
  return { text, contents };
}

const missing = (before: string[] = [], after: string[]): string[] => {
  const kept = new Set(after);
  return before.filter((name) => !kept.has(name));
};

/** The chains at the kernel's hooks. */
const frame = (serviceCidr: string): string[] => [
  '  chain prerouting {',
  '    type nat hook prerouting priority dstnat; policy accept;',
  '    meta l4proto . ip daddr . th dport vmap @services',
  '    fib daddr type local meta l4proto . th dport vmap @node-ports',
  '  }',
  '  chain forward {',
  '    type filter hook forward priority filter; policy accept;',
  `    ip daddr ${serviceCidr} meta l4proto tcp reject with tcp reset`,
  `    ip daddr ${serviceCidr} reject with icmp type port-unreachable`,
  '  }',
  // Client and endpoint are neighbours: without this the answer would not come back this way.
  '  chain postrouting {',
  '    type nat hook postrouting priority srcnat; policy accept;',
  '    ct status dnat masquerade',
  '  }',
  // For the same reason the kernel would tell clients to go directly, past the translation.
  '  chain output {',
  '    type filter hook output priority filter; policy accept;',
  '    icmp type redirect drop',
  '  }',
];

/** Outlives the rules: its name tells all that it depends on. */
const setOf = ({ name }: PortChains, { ip, port }: Backend): string => `clients-of-${name}/${ip}/${port}`;

function portRules(chains: PortChains): { chain: string; lines: string[] }[] {
  const { name, port, backends } = chains;
  const match = `meta l4proto ${port.protocol} dnat ip to`;
  if (port.affinitySeconds) {
    const endpoints = backends.map((to) => ({ chain: `${name}/${to.ip}/${to.port}`, set: setOf(chains, to), to }));
    const verdicts = endpoints.map(({ chain }, index) => `${index} : goto ${chain}`);
    return [
      ...endpoints.map(({ chain, set, to }) => ({
        chain,
        lines: [`update @${set} { ip saddr timeout ${port.affinitySeconds}s }`, `${match} ${to.ip}:${to.port}`],
      })),
      {
        chain: name,
        lines: [
          ...endpoints.map(({ chain, set }) => `ip saddr @${set} goto ${chain}`),
          `numgen random mod ${endpoints.length} vmap { ${verdicts.join(', ')} }`,
        ],
      },
    ];
  }
  if (backends.length === 1) return [{ chain: name, lines: [`${match} ${backends[0]!.ip}:${backends[0]!.port}`] }];
  const targets = backends.map(({ ip, port: number }, index) => `${index} : ${ip} . ${number}`);
  return [{ chain: name, lines: [`${match} numgen random mod ${backends.length} map { ${targets.join(', ')} }`] }];
}

/** UDP has no connections that end: the kernel's memory of flows to these must be dropped. */
export function lostUdpBackends(
  before: readonly ServicePortBackends[],
  after: readonly ServicePortBackends[],
): Backend[] {
  const flows = (ports: readonly ServicePortBackends[]): Map<string, Backend> =>
    new Map(
      ports
        .filter(({ protocol }) => protocol === 'udp')
        .flatMap(({ namespace, name, port, backends, externalBackends = [], nodeBackends = [] }) =>
          [...backends, ...externalBackends, ...nodeBackends].map((to) => [
            `${namespace}/${name}/${port}/${to.ip}/${to.port}`,
            to,
          ]),
        ),
    );
  const kept = flows(after);
  const lost = [...flows(before)].filter(([key]) => !kept.has(key)).map(([, to]) => to);
  return [...new Map(lost.map((to) => [`${to.ip}:${to.port}`, to])).values()];
}
