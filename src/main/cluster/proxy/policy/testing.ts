/** What network policies mean, said a second time: for tests of the rules made of them. */
import type { LabelSelector, Namespace, NetworkPolicy, Pod } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import { boundsOf } from './cidr';

/** A connection's first packet. Ends that are no pods of the cluster have no `pod`. */
export interface Packet {
  from: { address: string; pod?: Pod };
  to: { address: string; pod?: Pod };
  protocol: 'TCP' | 'UDP' | 'SCTP';
  port: number;
}

interface Peer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr: string; except?: string[] };
}
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { protocol?: string; port?: number | string; endPort?: number }[];
}

const inside = (address: string, cidr: string): boolean => {
  const [first, last] = boundsOf(cidr);
  const [number] = boundsOf(address);
  return first <= number && number <= last;
};

/** Whether the policies let a packet leave one end and reach the other, by the words of their documentation. */
export function allows(policies: readonly NetworkPolicy[], namespaces: readonly Namespace[], packet: Packet): boolean {
  const { from, to } = packet;
  if (from.address === to.address) return true;
  const labelsOf = (name: string): Record<string, string> =>
    namespaces.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {};

  const isPeer = (peer: Peer, end: Packet['from'], namespace: string): boolean => {
    if (peer.ipBlock) {
      const { cidr, except = [] } = peer.ipBlock;
      return inside(end.address, cidr) && !except.some((one) => inside(end.address, one));
    }
    if (!end.pod) return false;
    const { metadata } = end.pod;
    if (peer.namespaceSelector && !matchesSelector(peer.namespaceSelector, labelsOf(metadata.namespace!))) return false;
    if (!peer.namespaceSelector && metadata.namespace !== namespace) return false;
    return !peer.podSelector || matchesSelector(peer.podSelector, metadata.labels);
  };
  const isPort = (port: NonNullable<Rule['ports']>[number]): boolean => {
    if ((port.protocol ?? 'TCP') !== packet.protocol) return false;
    if (port.port === undefined) return true;
    if (typeof port.port === 'number') return port.port <= packet.port && packet.port <= (port.endPort ?? port.port);
    return (to.pod?.spec?.containers ?? []).some((container) =>
      container.ports?.some(
        (one) =>
          one.name === port.port && (one.protocol ?? 'TCP') === packet.protocol && one.containerPort === packet.port,
      ),
    );
  };
  const passes = (direction: 'Ingress' | 'Egress'): boolean => {
    const [own, other] = direction === 'Ingress' ? [to, from] : [from, to];
    if (!own.pod) return true;
    const { namespace, labels } = own.pod.metadata;
    const selecting = policies.filter(
      ({ metadata, spec }) =>
        metadata.namespace === namespace &&
        spec!.policyTypes!.includes(direction) &&
        matchesSelector(spec!.podSelector, labels),
    );
    if (selecting.length === 0) return true;
    return selecting.some(({ spec }) => {
      const rules = (direction === 'Ingress' ? spec!.ingress : spec!.egress) as Rule[] | undefined;
      return (rules ?? []).some((rule) => {
        const peers = (direction === 'Ingress' ? rule.from : rule.to) ?? [];
        return (
          (peers.length === 0 || peers.some((peer) => isPeer(peer, other, namespace!))) &&
          (!rule.ports?.length || rule.ports.some(isPort))
        );
      });
    });
  };
  return passes('Egress') && passes('Ingress');
}

interface Table {
  chains: Map<string, string[]>;
  maps: Map<string, Map<string, string>>;
}

/** Reads the text of one table as `nft` would. @throws Error for what it does not know */
function parse(text: string): Table {
  const table: Table = { chains: new Map(), maps: new Map() };
  let lines: string[] | undefined;
  let map: Map<string, string> | undefined;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const opened = /^(chain|map) (\S+) \{$/.exec(line);
    const element = /^([\d.]+) : (jump \S+?),?$/.exec(line);
    if (opened?.[1] === 'chain') table.chains.set(opened[2]!, (lines = []));
    else if (opened) table.maps.set(opened[2]!, (map = new Map()));
    else if (element && map) {
      if (map.has(element[1]!)) throw new Error(`twice in a map: ${line}`);
      map.set(element[1]!, element[2]!);
    } else if (line === '}') lines = lines ? undefined : ((map = undefined), undefined);
    else if (lines) lines.push(line);
  }
  return table;
}

const setOf = (text: string): string[] =>
  text
    .replace(/[{}]/g, '')
    .split(',')
    .map((one) => one.trim());

/** The elements of a set must not overlap: the kernel refuses such a set. */
function disjointRanges(items: string[], bounds: (item: string) => [number, number]): [number, number][] {
  const ranges = items.map(bounds).sort((a, b) => a[0] - b[0]);
  for (const [index, range] of ranges.entries())
    if (index > 0 && range[0] <= ranges[index - 1]![1]) throw new Error(`overlapping: ${items.join(', ')}`);
  return ranges;
}

const parsed = new Map<string, Table>();

/** Whether new connections pass a hook of a table that our rules made. */
export function passesHook(text: string, hook: 'input' | 'output' | 'forward', packet: Packet): boolean {
  const { chains, maps } = parsed.get(text) ?? parse(text);
  parsed.set(text, { chains, maps });
  const base = chains.get(hook);
  if (!base) return true;
  const numberOf = (address: string): number => boundsOf(address)[0];
  const protocol = packet.protocol.toLowerCase();

  function verdict(name: string): 'accept' | 'drop' | 'return' {
    for (const rule of chains.get(name)!) {
      if (rule.startsWith('type filter')) continue;
      const result = apply(rule);
      if (result === 'accept' || result === 'drop') return result;
      if (result === 'return') return 'return';
    }
    return 'return';
  }

  function apply(rule: string): string | undefined {
    let rest = rule;
    const take = (pattern: RegExp): RegExpExecArray | undefined => {
      const match = pattern.exec(rest);
      if (match) rest = rest.slice(match[0].length).trim();
      return match ?? undefined;
    };
    for (;;) {
      let match: RegExpExecArray | undefined;
      if ((match = take(/^(accept|drop|return)$/))) return match[1];
      if (take(/^[io]ifname "lo"/) || take(/^ct state established,related/) || take(/^icmpv6 type \{[^}]*\}/)) return;
      if (take(/^meta nfproto ipv4/)) continue;
      if ((match = take(/^meta l4proto (\w+)/))) {
        if (match[1] !== protocol) return;
      } else if ((match = take(/^ip saddr \. ip daddr \{([^}]*)\}/))) {
        if (!setOf(match[1]!).includes(`${packet.from.address} . ${packet.to.address}`)) return;
      } else if ((match = take(/^ip (saddr|daddr) vmap @(\S+)/))) {
        const found = maps.get(match[2]!)!.get((match[1] === 'saddr' ? packet.from : packet.to).address);
        const result = found && verdict(found.replace('jump ', ''));
        return result === 'return' ? undefined : result;
      } else if ((match = take(/^ip (saddr|daddr) (!= )?(\{[^}]*\}|\S+)/))) {
        const number = numberOf((match[1] === 'saddr' ? packet.from : packet.to).address);
        const within = disjointRanges(setOf(match[3]!), boundsOf).some(([a, b]) => a <= number && number <= b);
        if (within === Boolean(match[2])) return;
      } else if ((match = take(/^(tcp|udp|sctp) dport \{([^}]*)\}/))) {
        const ranges = disjointRanges(setOf(match[2]!), (item) => {
          const [first, last = first] = item.split('-').map(Number);
          return [first!, last!];
        });
        if (match[1] !== protocol || !ranges.some(([a, b]) => a <= packet.port && packet.port <= b)) return;
      } else throw new Error(`what is ${rest}?`);
    }
  }

  const result = verdict(hook);
  return result === 'return' ? base[0]!.includes('policy accept') : result === 'accept';
}
