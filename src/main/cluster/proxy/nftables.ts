import type { ServicePortBackends } from './services';

/**
 * The rules of a router as text for `nft -f -`: the whole table is replaced in one
 * transaction, so that no packet ever sees half of them. Connections that are under
 * way keep their endpoint. Pure: equal input, equal text.
 * @param serviceCidr what goes there and has no endpoint is refused, not left waiting
 */
export function renderRuleset(ports: readonly ServicePortBackends[], serviceCidr: string): string {
  const served = ports.filter(({ backends }) => backends.length > 0);
  const elements = served.map((one) => `      ${one.protocol} . ${one.clusterIp} . ${one.port} : goto ${chainOf(one)}`);
  return [
    // Makes it exist, so that it can be deleted.
    'table ip gantry',
    'delete table ip gantry',
    'table ip gantry {',
    '  map services {',
    '    type inet_proto . ipv4_addr . inet_service : verdict',
    ...(elements.length > 0 ? ['    elements = {', elements.join(',\n'), '    }'] : []),
    '  }',
    ...served.flatMap((one) => ['', `  chain ${chainOf(one)} {`, `    ${dnatRule(one)}`, '  }']),
    '',
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    '    meta l4proto . ip daddr . th dport vmap @services',
    '  }',
    '',
    '  chain forward {',
    '    type filter hook forward priority filter; policy accept;',
    `    ip daddr ${serviceCidr} meta l4proto tcp reject with tcp reset`,
    `    ip daddr ${serviceCidr} reject with icmp type port-unreachable`,
    '  }',
    '',
    // Client and endpoint are neighbours: without this the answer would not come back this way.
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    '    ct status dnat masquerade',
    '  }',
    '',
    // For the same reason the kernel would tell clients to go directly, past the translation.
    '  chain output {',
    '    type filter hook output priority filter; policy accept;',
    '    icmp type redirect drop',
    '  }',
    '}',
    '',
  ].join('\n');
}

const chainOf = ({ namespace, name, protocol, port }: ServicePortBackends): string =>
  `svc-${namespace}/${name}/${protocol}/${port}`;

function dnatRule({ protocol, backends }: ServicePortBackends): string {
  const match = `meta l4proto ${protocol} dnat ip to`;
  if (backends.length === 1) return `${match} ${backends[0]!.ip}:${backends[0]!.port}`;
  const targets = backends.map(({ ip, port }, index) => `${index} : ${ip} . ${port}`);
  return `${match} numgen random mod ${backends.length} map { ${targets.join(', ')} }`;
}

/** UDP has no connections that end: the kernel's memory of flows to these must be dropped. */
export function lostUdpBackends(
  before: readonly ServicePortBackends[],
  after: readonly ServicePortBackends[],
): { clusterIp: string; port: number; ip: string }[] {
  const flows = (ports: readonly ServicePortBackends[]) =>
    ports
      .filter(({ protocol }) => protocol === 'udp')
      .flatMap(({ clusterIp, port, backends }) => backends.map(({ ip }) => ({ clusterIp, port, ip })));
  const kept = new Set(flows(after).map((flow) => JSON.stringify(flow)));
  return flows(before).filter((flow) => !kept.has(JSON.stringify(flow)));
}
