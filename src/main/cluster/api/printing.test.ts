import { describe, expect, it } from 'vitest';
import { selectorString } from './printing';
import { kindOf, row } from './testing';

const now = Date.parse('2026-01-01T01:00:00Z');
const metadata = { name: 'web', creationTimestamp: '2026-01-01T00:55:00Z' };
const template = {
  spec: {
    containers: [
      { name: 'a', image: 'one:1' },
      { name: 'b', image: 'two:2' },
    ],
  },
};
const selector = { matchLabels: { b: '2', a: '1' } };

describe('the server-side table', () => {
  it('has the columns of kubectl, wide ones with priority 1', () => {
    const shown = (kind: string, priority: number): string[] =>
      kindOf(kind)
        .columns.filter((column) => (column.priority ?? 0) === priority)
        .map((column) => column.name.toUpperCase());
    expect(shown('Pod', 0)).toEqual(['READY', 'STATUS', 'RESTARTS', 'AGE']);
    expect(shown('Pod', 1)).toEqual(['IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES']);
    expect(shown('Deployment', 0)).toEqual(['READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE']);
    expect(shown('Deployment', 1)).toEqual(['CONTAINERS', 'IMAGES', 'SELECTOR']);
    expect(shown('ReplicaSet', 0)).toEqual(['DESIRED', 'CURRENT', 'READY', 'AGE']);
    expect(shown('Service', 0)).toEqual(['TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE']);
    expect(shown('Node', 0)).toEqual(['STATUS', 'ROLES', 'AGE', 'VERSION']);
    expect(shown('Node', 1)).toEqual(['INTERNAL-IP', 'EXTERNAL-IP', 'OS-IMAGE', 'KERNEL-VERSION', 'CONTAINER-RUNTIME']);
    expect(shown('Event', 0)).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
    expect(kindOf('Event').nameColumn).toBe(false);
  });

  it('prints a deployment', () => {
    const status = { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 };
    expect(row('Deployment', { metadata, spec: { replicas: 3, selector, template }, status }, now)).toEqual({
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 1,
      Age: '5m',
      Containers: 'a,b',
      Images: 'one:1,two:2',
      Selector: 'a=1,b=2',
    });
  });

  it('prints a replica set without a status', () => {
    expect(row('ReplicaSet', { metadata, spec: { replicas: 2, template } }, now)).toMatchObject({
      Desired: 2,
      Current: 0,
      Ready: 0,
      Selector: '<none>',
    });
  });

  it('prints services by type', () => {
    const ports = [
      { port: 80, protocol: 'TCP' },
      { port: 53, protocol: 'UDP', nodePort: 30053 },
    ];
    const service = (spec: object, status: object = {}): Record<string, unknown> =>
      row('Service', { metadata, spec, status }, now);
    expect(
      service({ type: 'ClusterIP', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports, selector: { app: 'x' } }),
    ).toMatchObject({
      'Cluster-IP': '10.96.0.9',
      'External-IP': '<none>',
      'Port(s)': '80/TCP,53:30053/UDP',
      Selector: 'app=x',
    });
    expect(service({ type: 'LoadBalancer' })['External-IP']).toBe('<pending>');
    expect(
      service({ type: 'LoadBalancer', externalIPs: ['1.2.3.4'] }, { loadBalancer: { ingress: [{ ip: '5.6.7.8' }] } })[
        'External-IP'
      ],
    ).toBe('5.6.7.8,1.2.3.4');
    expect(service({ type: 'ExternalName', externalName: 'example.com' })).toMatchObject({
      'Cluster-IP': '<none>',
      'External-IP': 'example.com',
      'Port(s)': '<none>',
    });
  });

  it('prints nodes with roles and cordon', () => {
    const node = {
      metadata: {
        name: 'n',
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.34.0', osImage: 'Linux' },
      },
    };
    expect(row('Node', node, now)).toMatchObject({
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane,worker',
      Version: 'v1.34.0',
      'Internal-IP': '10.0.0.1',
      'External-IP': '<none>',
      'OS-Image': 'Linux',
      'Kernel-Version': '<unknown>',
    });
    expect(
      row('Node', { metadata: {}, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, now).Status,
    ).toBe('NotReady');
    expect(row('Node', { metadata: {} }, now).Status).toBe('Unknown');
  });

  it('prints events, the last of a series first', () => {
    const event = {
      metadata: { name: 'web.1' },
      type: 'Warning',
      reason: 'BackOff',
      message: ' Back-off \n',
      involvedObject: { kind: 'Pod', name: 'web', fieldPath: 'spec.containers{a}' },
      source: { component: 'kubelet', host: 'n' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:59:30Z',
      count: 4,
    };
    expect(row('Event', event, now)).toEqual({
      'Last Seen': '30s',
      Type: 'Warning',
      Reason: 'BackOff',
      Object: 'pod/web',
      Subobject: 'spec.containers{a}',
      Source: 'kubelet, n',
      Message: 'Back-off',
      'First Seen': '60m',
      Count: '4',
      Name: 'web.1',
    });
    const series = { count: 9, lastObservedTime: '2026-01-01T00:59:50.000000Z' };
    expect(row('Event', { ...event, series }, now)).toMatchObject({ 'Last Seen': '10s', Count: '9' });
  });

  it('prints endpoints and slices, three and how many more', () => {
    const addresses = ['1', '2', '3', '4', '5'].map((last) => `10.0.0.${last}`);
    const subsets = [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ port: 80 }] }];
    expect(row('Endpoints', { metadata, subsets }, now).Endpoints).toBe(
      '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...',
    );
    expect(row('Endpoints', { metadata }, now).Endpoints).toBe('<none>');
    const slice = {
      metadata,
      addressType: 'IPv4',
      ports: [{ port: 80 }, { name: 'any' }, {}],
      endpoints: [{ addresses: ['10.0.0.1'] }],
    };
    expect(row('EndpointSlice', slice, now)).toMatchObject({
      AddressType: 'IPv4',
      Ports: '80,any,*',
      Endpoints: '10.0.0.1',
    });
    expect(row('EndpointSlice', { metadata }, now)).toMatchObject({ Ports: '<unset>', Endpoints: '<unset>' });
  });

  it('prints what holds data and who owns revisions', () => {
    expect(row('ConfigMap', { metadata, data: { a: '' }, binaryData: { b: '' } }, now).Data).toBe(2);
    expect(row('Secret', { metadata, type: 'Opaque', data: { a: '' } }, now)).toMatchObject({
      Type: 'Opaque',
      Data: 1,
    });
    expect(row('ServiceAccount', { metadata }, now).Secrets).toBe(0);
    expect(row('Lease', { metadata, spec: { holderIdentity: 'me' } }, now).Holder).toBe('me');
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'u', controller: true }];
    expect(row('ControllerRevision', { metadata: { ...metadata, ownerReferences }, revision: 3 }, now)).toMatchObject({
      Controller: 'statefulset.apps/db',
      Revision: 3,
    });
  });

  it('writes selectors as list requests take them', () => {
    const matchExpressions = [
      { key: 'tier', operator: 'In', values: ['b', 'a'] },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'new', operator: 'Exists' },
      { key: 'zone', operator: 'NotIn', values: ['x'] },
    ];
    expect(selectorString({ matchLabels: { app: 'web' }, matchExpressions })).toBe(
      'app=web,new,!old,tier in (a,b),zone notin (x)',
    );
  });
});
