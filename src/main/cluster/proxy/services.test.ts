import type { Service } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { addressFromEnd } from './addresses';
import { contentsOf, lostUdpBackends, renderRuleset } from './nftables';
import { serviceBackends } from './services';
import { endpoint, service, slice } from './testing';

const web = service('default', 'web', { clusterIP: '10.96.0.20', ports: [{ name: 'http', port: 80 }] });
const http = [{ name: 'http', port: 8080 }];

describe('what a cluster address leads to', () => {
  it('is the ready endpoints of all slices with the port of that name, once each', () => {
    const slices = [
      slice('default', 'web', [endpoint('172.18.0.3'), endpoint('172.18.0.4', { ready: false })], http),
      slice('default', 'web', [endpoint('172.18.0.2'), endpoint('172.18.0.3')], http),
      slice('other', 'web', [endpoint('172.18.0.9')], http),
      slice('default', 'web', [endpoint('172.18.0.8')], [{ name: 'metrics', port: 9 }]),
    ];
    expect(serviceBackends([web], slices)).toEqual([
      {
        namespace: 'default',
        name: 'web',
        protocol: 'tcp',
        clusterIp: '10.96.0.20',
        port: 80,
        backends: [
          { ip: '172.18.0.2', port: 8080 },
          { ip: '172.18.0.3', port: 8080 },
        ],
      },
    ]);
  });

  it('falls back to endpoints that end but still serve', () => {
    const ending = { ready: false, serving: true, terminating: true };
    const dead = { ready: false, serving: false, terminating: true };
    const only = [slice('default', 'web', [endpoint('172.18.0.2', ending), endpoint('172.18.0.3', dead)], http)];
    expect(serviceBackends([web], only)[0]!.backends).toEqual([{ ip: '172.18.0.2', port: 8080 }]);
    const both = [...only, slice('default', 'web', [endpoint('172.18.0.5')], http)];
    expect(serviceBackends([web], both)[0]!.backends).toEqual([{ ip: '172.18.0.5', port: 8080 }]);
  });

  it('keeps TCP and UDP of one number apart and leaves out other protocols', () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53 },
      { name: 'sctp', port: 54, protocol: 'SCTP' },
    ];
    const dns = service('kube-system', 'kube-dns', { clusterIP: '10.96.0.10', ports });
    const found = serviceBackends([dns], [slice('kube-system', 'kube-dns', [endpoint('172.18.0.2')], ports)]);
    expect(found.map(({ protocol, port, backends }) => [protocol, port, backends.length])).toEqual([
      ['tcp', 53, 1],
      ['udp', 53, 1],
    ]);
  });

  it('has nothing for services without an address and for endpoints no pod can reach', () => {
    const headless = service('default', 'db', { clusterIP: 'None', ports: [{ port: 1 }] });
    const external = service('default', 'ext', { type: 'ExternalName', clusterIP: '10.96.0.3', ports: [{ port: 1 }] });
    expect(serviceBackends([headless, external], [])).toEqual([]);
    expect(serviceBackends([web], [slice('default', 'web', [endpoint('127.0.0.1')], http)])[0]!.backends).toEqual([]);
  });
});

describe('traffic policies', () => {
  const near = { ...endpoint('172.18.0.2'), nodeName: 'one' };
  const far = { ...endpoint('172.18.0.3'), nodeName: 'two' };
  const slices = [slice('default', 'web', [near, far], http)];
  const of = (spec: Service['spec'], node: string) =>
    serviceBackends([service('default', 'web', { ...web.spec, ...spec })], slices, node)[0]!;
  const ips = (backends: { ip: string }[] = []) => backends.map(({ ip }) => ip);

  it('lead a node to its own endpoints alone, and who comes from outside to all', () => {
    const local = { internalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, nodePort: 30080 }] };
    expect(ips(of(local, 'one').backends)).toEqual(['172.18.0.2']);
    expect(ips(of(local, 'two').backends)).toEqual(['172.18.0.3']);
    expect(ips(of(local, 'three').backends)).toEqual([]);
    expect(ips(of(local, 'three').externalBackends)).toEqual(['172.18.0.2', '172.18.0.3']);
  });

  it('lead a node port to endpoints of its node alone, and leave others without an answer', () => {
    const local = { externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, nodePort: 30080 }] };
    expect(ips(of(local, 'one').nodeBackends)).toEqual(['172.18.0.2']);
    expect(ips(of(local, 'one').backends)).toEqual(['172.18.0.2', '172.18.0.3']);
    expect(of(local, 'one').elsewhere).toBeUndefined();
    expect(of(local, 'three')).toMatchObject({ nodeBackends: [], elsewhere: true });
    expect(of({ ...local, internalTrafficPolicy: 'Local' }, 'three')).toMatchObject({ backends: [], elsewhere: true });
    expect(of({ ...local, internalTrafficPolicy: 'Local' }, 'three').nodeBackends).toBeUndefined();
    const none = serviceBackends([service('default', 'web', { ...web.spec, ...local })], [], 'one')[0]!;
    expect(none.elsewhere).toBeUndefined();
  });

  it('prefer endpoints of the same node while there are some', () => {
    const prefer = { trafficDistribution: 'PreferSameNode' };
    expect(ips(of(prefer, 'two').backends)).toEqual(['172.18.0.3']);
    expect(ips(of(prefer, 'three').backends)).toEqual(['172.18.0.2', '172.18.0.3']);
  });
});

describe('the ruleset', () => {
  const cidr = '10.96.0.0/16';
  const port = { namespace: 'default', name: 'web', clusterIp: '10.96.0.20', port: 80, protocol: 'tcp' as const };
  const one = { ip: '172.18.0.2', port: 8080 };
  const two = { ip: '172.18.0.3', port: 8080 };

  it('replaces a table of unknown contents as a whole', () => {
    const lines = renderRuleset([], cidr).text.split('\n');
    expect(lines.slice(0, 3)).toEqual(['table ip gantry', 'delete table ip gantry', 'table ip gantry {']);
    expect(lines.filter((line) => line.includes('element'))).toEqual([]);
  });

  it('leads an address to its endpoints in equal parts', () => {
    const { text } = renderRuleset([{ ...port, backends: [one, two] }], cidr);
    expect(text).toContain('tcp . 10.96.0.20 . 80 : goto svc-default/web/tcp/80');
    expect(text).toContain(
      'meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 172.18.0.2 . 8080, 1 : 172.18.0.3 . 8080 }',
    );
    expect(text).toContain('ct status dnat masquerade');
  });

  it('serves node ports and external addresses', () => {
    const outside = { nodePort: 30080, externalIps: ['203.0.113.7'] };
    const { text } = renderRuleset([{ ...port, ...outside, backends: [], externalBackends: [one] }], cidr);
    expect(text).toContain('node-ports { tcp . 30080 : goto ext-default/web/tcp/80 }');
    expect(text).toContain('services { tcp . 203.0.113.7 . 80 : goto ext-default/web/tcp/80 }');
    expect(text).not.toContain('10.96.0.20');
  });

  it('gives no answer where the endpoints are on other nodes', () => {
    const local = { nodePort: 30080, nodeBackends: [], elsewhere: true as const };
    const { text } = renderRuleset([{ ...port, ...local, backends: [one] }], cidr);
    expect(text).toContain('node-ports { tcp . 30080 : drop }');
    expect(text).toContain('services { tcp . 10.96.0.20 . 80 : goto svc-default/web/tcp/80 }');
    const near = renderRuleset([{ ...port, nodePort: 30080, nodeBackends: [one], backends: [one, two] }], cidr).text;
    expect(near).toContain('node-ports { tcp . 30080 : goto node-default/web/tcp/80 }');
    expect(renderRuleset([{ ...port, backends: [], elsewhere: true }], cidr).text).toContain(
      'services { tcp . 10.96.0.20 . 80 : drop }',
    );
  });

  it('keeps who belongs where in sets that outlive the rules', () => {
    const sticky = { ...port, affinitySeconds: 60 };
    const first = renderRuleset([{ ...sticky, backends: [one, two] }], cidr);
    const set = 'clients-of-svc-default/web/tcp/80/172.18.0.3/8080';
    expect(first.contents.sets).toContain(set);
    expect(first.text).toContain(`update @${set} { ip saddr timeout 60s }`);
    expect(first.text).toContain(`ip saddr @${set} goto svc-default/web/tcp/80/172.18.0.3/8080`);
    const next = renderRuleset([{ ...sticky, backends: [one] }], cidr, first.contents);
    expect(next.text).not.toContain('delete table');
    expect(next.text).toContain(`delete set ip gantry ${set}`);
    expect(next.text).not.toContain('delete set ip gantry clients-of-svc-default/web/tcp/80/172.18.0.2/8080');
  });

  it('takes away the chains of services that are gone', () => {
    const first = renderRuleset([{ ...port, backends: [one] }], cidr);
    expect(contentsOf(`table ip gantry {\n\tset a/b {\n\t}\n\tchain svc-x {\n\t}\n}`)).toEqual({
      chains: ['svc-x'],
      sets: ['a/b'],
    });
    expect(renderRuleset([], cidr, first.contents).text).toContain('delete chain ip gantry svc-default/web/tcp/80');
  });

  it('refuses what has no endpoint', () => {
    const { text } = renderRuleset([{ ...port, protocol: 'udp', backends: [] }], cidr);
    expect(text).not.toContain('10.96.0.20');
    expect(text).toContain('ip daddr 10.96.0.0/16 meta l4proto tcp reject with tcp reset');
  });

  it('says which UDP flows lead to endpoints that are gone', () => {
    const udp = (...backends: (typeof one)[]) => [{ ...port, protocol: 'udp' as const, backends }];
    expect(lostUdpBackends(udp(one, two), udp(two))).toEqual([one]);
    expect(lostUdpBackends([{ ...port, backends: [one] }], [])).toEqual([]);
  });
});

describe('addresses from the end of a subnet', () => {
  it.each([
    ['172.18.0.0/16', 0, '172.18.255.254'],
    ['192.168.112.0/20', 0, '192.168.127.254'],
    ['192.168.112.0/20', 255, '192.168.126.255'],
    ['10.0.0.0/24', 1, '10.0.0.253'],
    ['fd00::/64', 0, undefined],
    ['10.0.0.0/24', 127, undefined],
  ])('%s, %i: %s', (subnet, n, address) => expect(addressFromEnd(subnet, n)).toBe(address));
});
