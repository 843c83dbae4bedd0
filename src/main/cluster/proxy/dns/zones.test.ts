import type { Pod } from '@shared/k8s';
import { describe, expect, it } from 'vitest';
import { endpoint, service, slice } from '../testing';
import { reverseZones } from './reverse';
import { renderZones, type DnsSources } from './zones';

const render = (sources: Partial<DnsSources>) =>
  renderZones({
    services: [],
    slices: [],
    pods: [],
    domain: 'cluster.local',
    serviceCidr: '10.96.0.0/16',
    subnet: '172.18.0.0/16',
    dnsIp: '10.96.0.10',
    ...sources,
  });
const lines = (text = '') => text.split('\n').filter((line) => line && !/^(ns\.dns|dns-version) /.test(line));

describe('the zones of the cluster', () => {
  it('know services by address, port and back', () => {
    const spec = {
      clusterIP: '10.96.0.20',
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    };
    const zones = render({ services: [service('default', 'web', spec)] });
    expect(lines(zones['cluster.local'])).toEqual([
      '_dns._udp.web.default.svc SRV 0 100 53 web.default.svc',
      '_http._tcp.web.default.svc SRV 0 100 80 web.default.svc',
      'web.default.svc A 10.96.0.20',
      'web.default.svc SRV 0 100 53 web.default.svc',
      'web.default.svc SRV 0 100 80 web.default.svc',
    ]);
    expect(zones['96.10.in-addr.arpa']).toBe('20.0 PTR web.default.svc.cluster.local.\n');
    expect(zones['18.172.in-addr.arpa']).toBe('');
  });

  it('know the ready members of headless services, by host name where they have one', () => {
    const db = service('shop', 'db', { clusterIP: 'None', ports: [{ name: 'pg', port: 5432 }] });
    const members = [
      { ...endpoint('172.18.0.6'), hostname: 'db-0' },
      endpoint('172.18.0.7'),
      endpoint('172.18.0.8', { ready: false }),
    ];
    const zones = render({ services: [db], slices: [slice('shop', 'db', members, [{ name: 'pg', port: 5432 }])] });
    expect(lines(zones['cluster.local'])).toEqual([
      '172-18-0-7.db.shop.svc A 172.18.0.7',
      '_pg._tcp.db.shop.svc SRV 0 100 5432 172-18-0-7.db.shop.svc',
      '_pg._tcp.db.shop.svc SRV 0 100 5432 db-0.db.shop.svc',
      'db-0.db.shop.svc A 172.18.0.6',
      'db.shop.svc A 172.18.0.6',
      'db.shop.svc A 172.18.0.7',
      'db.shop.svc SRV 0 100 5432 172-18-0-7.db.shop.svc',
      'db.shop.svc SRV 0 100 5432 db-0.db.shop.svc',
    ]);
    expect(zones['18.172.in-addr.arpa']).toBe(
      '6.0 PTR db-0.db.shop.svc.cluster.local.\n7.0 PTR 172-18-0-7.db.shop.svc.cluster.local.\n',
    );
  });

  it('lead external names on, and leave out what is none', () => {
    const external = (name: string, externalName: string) =>
      service('default', name, { type: 'ExternalName', externalName });
    const services = [external('db', 'database.company.com.'), external('ip', '203.0.113.7'), external('bad', 'a b')];
    expect(lines(render({ services })['cluster.local'])).toEqual([
      'db.default.svc CNAME database.company.com.',
      'ip.default.svc A 203.0.113.7',
    ]);
  });

  it('know pods of the network that live', () => {
    const pod = (podIP: string, phase: string) =>
      ({ metadata: { namespace: 'default', name: podIP }, status: { podIP, phase } }) as unknown as Pod;
    const pods = [pod('172.18.0.9', 'Running'), pod('172.18.0.10', 'Succeeded'), pod('10.244.0.2', 'Running')];
    expect(lines(render({ pods })['cluster.local'])).toEqual(['172-18-0-9.default.pod A 172.18.0.9']);
  });

  it.each([
    ['10.96.0.0/16', 1, '96.10.in-addr.arpa'],
    ['172.18.0.0/15', 2, '18.172.in-addr.arpa'],
    ['192.168.176.0/20', 16, '176.168.192.in-addr.arpa'],
    ['10.0.0.0/24', 1, '0.0.10.in-addr.arpa'],
    ['10.0.0.128/26', 1, '0.0.10.in-addr.arpa'],
    ['10.0.0.0/8', 1, '10.in-addr.arpa'],
  ])('cover %s with %i zones', (cidr, count, first) => {
    const zones = reverseZones(cidr);
    expect([zones.length, zones[0]]).toEqual([count, first]);
  });
});
