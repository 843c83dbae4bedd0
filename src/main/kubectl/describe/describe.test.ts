import { describe, expect, it } from 'vitest';
import { deploymentBody, podBody } from '../../cluster/apiserver/testing';
import { createTestKubectl } from '../testing';
import { fieldTitle } from './generic';
import { Lines, longTime } from './lines';
import { probeText, tolerationText } from './pod-template';

describe('lines', () => {
  it('aligns what belongs together and puts maps below each other', () => {
    const lines = new Lines();
    lines.add(0, 'Name:\tweb');
    lines.map(0, 'Labels', { b: '2', a: '1' });
    lines.annotations(0, 'Annotations', { long: 'x'.repeat(200), short: 'y' });
    lines.map(0, 'Empty', {});
    expect(lines.aligned()).toBe(
      `Name:         web\nLabels:       a=1\n              b=2\nAnnotations:  long:\n                ${'x'.repeat(139)}...\n              short: y\nEmpty:        <none>\n`,
    );
  });

  it('prints times with their offset', () => {
    expect(longTime('2026-01-02T03:04:05Z')).toMatch(/^(Thu|Fri|Sat), 0[123] Jan 2026 \d\d:\d\d:05 [+-]\d{4}$/);
  });
});

describe('words', () => {
  it('names probes, tolerations and fields', () => {
    expect(
      probeText({ httpGet: { path: '/x', port: 80 as never, scheme: 'HTTPS' }, timeoutSeconds: 1, periodSeconds: 10 }),
    ).toBe('http-get https://:80/x delay=0s timeout=1s period=10s #success=0 #failure=0');
    expect(tolerationText({ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })).toBe(
      'a:NoExecute op=Exists for 300s',
    );
    expect(tolerationText({ key: 'a', operator: 'Equal', value: 'b' })).toBe('a=b');
    expect(['creationTimestamp', 'apiVersion', 'uid', 'leaseDurationSeconds', 'a.b/c'].map(fieldTitle)).toEqual([
      'Creation Timestamp',
      'API Version',
      'UID',
      'Lease Duration Seconds',
      'a.b/c',
    ]);
  });
});

describe('describe', () => {
  it('tells of a pod and what happened to it', async () => {
    const { kubectl, send } = await createTestKubectl();
    const { body: pod } = await send('POST', '/api/v1/namespaces/default/pods', {
      body: podBody('web', { nodeSelector: { disk: 'ssd' } }),
    });
    const about = { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace: 'default', uid: pod.metadata.uid };
    await send('POST', '/api/v1/namespaces/default/events', {
      body: {
        metadata: { name: 'web.1' },
        involvedObject: { ...about, fieldPath: 'spec.containers{main}' },
        type: 'Warning',
        reason: 'BackOff',
        message: 'Back-off restarting failed container',
        count: 3,
        firstTimestamp: '2025-12-31T23:50:00Z',
        lastTimestamp: '2025-12-31T23:59:00Z',
        source: { component: 'kubelet', host: 'node' },
      },
    });
    const { out } = await kubectl('describe po web');
    expect(out).toContain('Status:           Pending\n');
    expect(out).toMatch(/^Node-Selectors: +disk=ssd$/m);
    expect(out).toContain('Containers:\n  main:\n    Container ID:   \n    Image:          busybox\n');
    expect(out).toMatch(
      / {2}Warning {2}BackOff {2}60s \(x3 over 10m\) {2}kubelet {2}spec\.containers\{main\}: Back-off restarting failed container\n$/,
    );
  });

  it('tells of a deployment, of a name prefix, and of kinds without words of their own', async () => {
    const { kubectl, send } = await createTestKubectl();
    await send('POST', '/apis/apps/v1/namespaces/default/deployments', { body: deploymentBody('web', 2) });
    const { out } = await kubectl('describe deploy we');
    expect(out).toContain('Replicas:               2 desired | 0 updated | 0 total | 0 available | 0 unavailable\n');
    expect(out).toContain('RollingUpdateStrategy:  25% max unavailable, 25% max surge\n');
    expect(out).toMatch(/^NewReplicaSet: +<none>$/m);
    await send('POST', '/apis/coordination.k8s.io/v1/namespaces/default/leases', {
      body: { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } },
    });
    expect((await kubectl('describe lease l')).out).toMatch(/Spec:\n {2}Holder Identity: {2}me\nEvents: +<none>\n$/);
    expect((await kubectl('describe po nope')).err).toBe('Error from server (NotFound): pods "nope" not found\n');
  });

  it('keeps secrets closed', async () => {
    const { kubectl } = await createTestKubectl();
    await kubectl('create secret generic s --from-literal=password=hunter22');
    const { out } = await kubectl('describe secret s');
    expect(out).toContain('password:  8 bytes\n');
    expect(out).not.toContain('hunter22');
  });
});
