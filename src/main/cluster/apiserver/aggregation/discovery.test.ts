import { describe, expect, it } from 'vitest';
import { AggregationBed, apiServices, slices, eventually } from '../../../../../test/support/aggregation-bed';
import { discovery, group, json, slice, version } from './testing';

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const bed = new AggregationBed();

describe('discovery', () => {
  const entry = async () =>
    (await bed.send('GET', '/apis', { accept: aggregated })).body.items.find(
      ({ metadata }: any) => metadata.name === group,
    );

  it('tells of other servers what they told, after what is more important', async () => {
    await bed.register();
    const groups = (await bed.send('GET', '/apis')).body.groups as { name: string }[];
    expect(groups.at(-1)!.name).toBe(group);
    expect((await bed.send('GET', `/apis/${group}`)).body).toMatchObject({
      kind: 'APIGroup',
      preferredVersion: { groupVersion: version },
    });
    expect(await entry()).toMatchObject({
      versions: [
        {
          version: 'v1',
          freshness: 'Current',
          resources: [
            {
              resource: 'hats',
              responseKind: { group, version: 'v1', kind: 'Hat' },
              scope: 'Namespaced',
              singularResource: 'hat',
              shortNames: ['ht'],
              subresources: [{ subresource: 'brim', responseKind: { kind: 'Brim' }, verbs: ['get'] }],
            },
            { resource: 'pods', scope: 'Namespaced', verbs: [], subresources: [{ subresource: 'hits' }] },
          ],
        },
      ],
    });
    expect((await entry()).versions[0].resources[1]).not.toHaveProperty('responseKind');
    const { body } = await bed.transport().request({ method: 'GET', path: `/apis/${version}` });
    expect(body).toEqual(discovery);
  });

  it('calls it stale when the server is gone, and new when it says something else', async () => {
    await bed.register();
    bed.extension.refuse = new Error('gone');
    await bed.clock.advance(30_000);
    await bed.until(/^False/);
    expect((await entry()).versions[0]).toMatchObject({ freshness: 'Stale', resources: [{ resource: 'hats' }, {}] });
    bed.extension.refuse = undefined;
    bed.extension.answer = (_request, response) => json(response, { ...discovery, resources: [] });
    await bed.nudge();
    await bed.until(/^True/);
    expect((await entry()).versions[0]).toMatchObject({ freshness: 'Current', resources: [] });
  });

  it('survives what is no discovery document', async () => {
    await bed.send('POST', slices, { body: slice() });
    bed.extension.answer = (_request, response) => response.end('<html>');
    await bed.send('POST', apiServices, { body: bed.extension.api() });
    await bed.until(/^True/);
    expect((await entry()).versions[0]).toEqual({ version: 'v1', resources: [], freshness: 'Stale' });
    const bad = [null, 3, {}, { kind: 'APIResourceList', resources: 'hats' }];
    let served: unknown;
    let asked = 0;
    bed.extension.answer = (_request, response) => (asked++, json(response, served));
    for (served of bad) {
      const before = asked;
      await bed.nudge();
      await eventually(() => expect(asked).toBeGreaterThan(before));
    }
    expect((await entry()).versions[0].freshness).toBe('Stale');
    served = {
      kind: 'APIResourceList',
      resources: [
        null,
        'x',
        { name: 5 },
        { name: '/x', kind: 'X' },
        { name: 'hats', kind: 'Hat', verbs: 'all', shortNames: [1, 'h'] },
      ],
    };
    await bed.nudge();
    await eventually(async () => expect((await entry()).versions[0].freshness).toBe('Current'));
    expect((await entry()).versions[0].resources.at(-1)).toMatchObject({
      resource: 'hats',
      verbs: [],
      shortNames: ['h'],
    });
  });

  it('reads no more of a document than a server could mean', async () => {
    await bed.send('POST', slices, { body: slice() });
    let sent = 0;
    bed.extension.answer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && sent < 64 * 2 ** 20 && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    };
    await bed.send('POST', apiServices, { body: bed.extension.api() });
    await bed.until(/^True Passed/);
    expect(sent).toBeLessThan(32 * 2 ** 20);
    expect((await entry()).versions[0].freshness).toBe('Stale');
  });

  it('gives up on a server that hangs', async () => {
    await bed.send('POST', slices, { body: slice() });
    let asked = 0;
    bed.extension.answer = () => void asked++;
    await bed.send('POST', apiServices, { body: bed.extension.api() });
    await eventually(() => expect(asked).toBe(1));
    await bed.clock.advance(5000);
    await bed.until(/^False FailedDiscoveryCheck: .*: Get ".*": context deadline exceeded$/);
  });
});
