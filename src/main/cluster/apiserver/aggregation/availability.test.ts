import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AggregationBed, apiServices, failureOf, hats, slices } from '../../../../../test/support/aggregation-bed';
import { systemClock } from '../../clock';
import { loadOrCreatePki } from '../pki';
import { discovery, group, json, slice } from './testing';

const bed = new AggregationBed();

describe('an APIService', () => {
  const refused = async (change: (draft: any) => void) => {
    const draft = structuredClone(bed.extension.api()) as any;
    change(draft);
    return failureOf(bed.send('POST', apiServices, { body: draft }));
  };

  it('is called by what it serves, and must say how important that is', async () => {
    expect(await refused((api) => (api.metadata.name = 'hats'))).toBe(
      '422 Invalid: APIService.apiregistration.k8s.io "hats" is invalid: metadata.name: Invalid value: "hats": must be `spec.version+"."+spec.group`: "v1.hats.example.com"',
    );
    expect(await refused((api) => (api.spec.groupPriorityMinimum = 0))).toContain(
      'must be positive and less than 20000',
    );
    expect(await refused((api) => (api.spec.versionPriority = 1001))).toContain('must be positive and less than 1000');
    expect(await refused((api) => (api.spec.insecureSkipTLSVerify = true))).toContain(
      'may not be true if caBundle is present',
    );
    expect(await refused((api) => delete api.spec.service)).toContain('local APIServices may not have a caBundle');
    expect(await refused((api) => (api.spec.service = { port: 70_000 }))).toMatch(
      /spec.service.namespace: Required value, spec.service.name: Required value, .*port is not valid: must be between/,
    );
    expect(
      await refused((api) =>
        Object.assign(api, { metadata: { name: 'V1.x' }, spec: { ...api.spec, version: 'V1', group: 'x' } }),
      ),
    ).toContain('spec.version: Invalid value: "V1"');
  });

  it('says in the words of Kubernetes why its server cannot be asked', async () => {
    const service = { namespace: 'default', name: 'none' };
    await bed.send('POST', apiServices, { body: bed.extension.api({ service }) });
    await bed.until('False ServiceNotFound: service/none in "default" is not present');
    const change = async (body: object) => bed.patch(`${apiServices}/v1.${group}`, { spec: { service: body } });
    await change({ name: 'hats', port: 444 });
    await bed.until('False ServicePortError: service/hats in "default" is not listening on port 444');
    await change({ port: 443 });
    await bed.until('False EndpointsNotFound: cannot find endpointslices for service/hats in "default"');
    // From here on its Service and endpoints tell of themselves.
    await bed.send('POST', slices, { body: slice(false) });
    await bed.until(
      'False MissingEndpoints: endpointslices for service/hats in "default" have no addresses with port name "https"',
    );
    bed.extension.answer = (_request, response) => json(response, {}, 503);
    await bed.send('PUT', `${slices}/hats-1`, { body: slice() });
    await bed.until(
      /^False FailedDiscoveryCheck: failing or missing response from (https:\/\/10\.96\.\S+:443\/apis\/hats.example.com\/v1): bad status from \1: 503$/,
    );
    expect((await bed.rows()).filter((row) => row.includes('hats'))).toEqual([
      'v1.hats.example.com default/hats False (FailedDiscoveryCheck)',
    ]);
    bed.extension.answer = (_request, response) => json(response, discovery);
    await bed.nudge();
    await bed.until('True Passed: all checks passed');
    expect(await bed.rows()).toContain('v1.hats.example.com default/hats True');
    const since = (await bed.stored()).status!.conditions![0]!.lastTransitionTime;
    bed.extension.refuse = new Error('connect: connection refused');
    await bed.clock.advance(30_000);
    await bed.until(/^False FailedDiscoveryCheck: .*: Get "https:.*": connect: connection refused$/);
    expect((await bed.stored()).status!.conditions![0]!.lastTransitionTime).not.toBe(since);
  });

  it('trusts the certificate that its bundle vouches for, and no other', async () => {
    await bed.register();
    const other = await loadOrCreatePki(join(bed.directory, 'other'), { clock: systemClock });
    await bed.send('PUT', `${apiServices}/v1.${group}`, {
      body: {
        ...bed.extension.api({ caBundle: Buffer.from(other.caPem).toString('base64') }),
        metadata: (await bed.stored()).metadata,
      },
    });
    await bed.until(/tls: failed to verify certificate/);
    await bed.send('PUT', `${apiServices}/v1.${group}`, {
      body: {
        ...bed.extension.api({ caBundle: undefined, insecureSkipTLSVerify: true }),
        metadata: (await bed.stored()).metadata,
      },
    });
    await bed.until(/^True/);
  });

  it('takes its API along when it goes', async () => {
    await bed.register();
    await bed.send('GET', '/apis');
    await bed.send('DELETE', `${apiServices}/v1.${group}`);
    expect(await failureOf(bed.send('GET', hats))).toBe(
      '404 NotFound: the server could not find the requested resource',
    );
    expect(JSON.stringify((await bed.send('GET', '/apis')).body)).not.toContain(group);
  });
});
