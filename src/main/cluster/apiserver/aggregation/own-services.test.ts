import { describe, expect, it } from 'vitest';
import {
  AggregationBed,
  apiServices,
  failureOf,
  hats,
  slices,
  eventually,
} from '../../../../../test/support/aggregation-bed';
import { discovery, group, json, slice } from './testing';

const bed = new AggregationBed();

describe('what the API server serves itself', () => {
  const published = async (name: string) => eventually(() => bed.stored(name));

  it('has an APIService for every version, available at once', async () => {
    await published('v1.apps');
    await eventually(async () => expect((await bed.rows()).length).toBeGreaterThan(19));
    expect(await bed.rows()).toEqual(
      expect.arrayContaining(['v1. Local True', 'v2.autoscaling Local True', 'v1beta1.metrics.k8s.io Local True']),
    );
    expect(await bed.rows()).not.toContain('v1.apiregistration.k8s.io Local True');
    expect(await bed.stored('v1.apps')).toMatchObject({
      metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 },
    });
    await bed.until('True Local: Local APIServices are always available', 'v1.apps');
  });

  it('stays with it, whoever claims it', async () => {
    await published('v1.apps');
    let asked = 0;
    bed.extension.answer = (_request, response) => (asked++, json(response, discovery));
    await bed.send('POST', slices, { body: slice() });
    const service = { namespace: 'default', name: 'hats', port: 443 };
    // Its own is put back, and whoever changed it is told.
    const changed = await bed.patch(`${apiServices}/v1.apps`, { spec: { service } });
    expect(changed.warnings).toEqual([
      'the API server keeps what is labelled kube-aggregator.kubernetes.io/automanaged: v1.apps does not stay with a service',
    ]);
    await eventually(async () => expect((await bed.stored('v1.apps')).spec!.service).toBeUndefined());
    await bed.send('DELETE', `${apiServices}/v1.apps`);
    await published('v1.apps');
    // One that says it is somebody's stays, and changes nothing.
    await bed.patch(`${apiServices}/v1beta1.metrics.k8s.io`, {
      metadata: { labels: null },
      spec: { service, insecureSkipTLSVerify: true },
    });
    await bed.until(
      'True Local: metrics.k8s.io/v1beta1 is served by this API server itself: no request is passed on to service/hats in "default"',
      'v1beta1.metrics.k8s.io',
    );
    expect((await bed.send('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).body.items).toEqual([]);
    expect(await bed.rows()).toContain('v1beta1.metrics.k8s.io default/hats True');
    expect(asked).toBe(0);
  });

  it('comes and goes with custom kinds, unless another server has the name', async () => {
    const crd = {
      metadata: { name: `hats.${group}` },
      spec: {
        group,
        names: { plural: 'hats', kind: 'Hat' },
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await bed.send('POST', crds, { body: crd });
    await published(`v1.${group}`);
    expect(await bed.stored()).toMatchObject({ spec: { groupPriorityMinimum: 1000, versionPriority: 100 } });
    await bed.send('DELETE', `${crds}/hats.${group}`);
    await eventually(async () => expect(await failureOf(bed.stored())).toMatch(/^404/));
    await bed.register();
    await bed.send('POST', crds, { body: crd });
    bed.extension.answer = (_request, response) => json(response, { kind: 'HatList', items: ['theirs'] });
    expect((await bed.transport().request({ method: 'GET', path: hats })).body.items).toEqual(['theirs']);
    await bed.send('DELETE', `${apiServices}/v1.${group}`);
    await published(`v1.${group}`);
    expect((await bed.send('GET', hats)).body.items).toEqual([]);
  });

  it('is introduced to other servers', async () => {
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    const { data } = await eventually(async () => (await bed.send('GET', path)).body);
    expect(data).toEqual({
      'client-ca-file': bed.pki.caPem,
      'requestheader-client-ca-file': (await bed.pki.frontProxy()).caPem,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-uid-headers': '["X-Remote-Uid"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    });
    await bed.send('DELETE', path);
    await eventually(() => bed.send('GET', path));
    const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles';
    await eventually(() => bed.send('GET', `${roles}/extension-apiserver-authentication-reader`));
  });
});
