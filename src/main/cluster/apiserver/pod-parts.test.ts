import type { Pod } from '@shared/k8s';
import { beforeEach, describe, expect, it } from 'vitest';
import { createTestServer, podBody } from './testing';

const path = '/api/v1/namespaces/default/pods/a';
const strategic = 'application/strategic-merge-patch+json';
let send: Awaited<ReturnType<typeof createTestServer>>['send'];
const patch = (subresource: string, body: object, contentType = strategic) =>
  send('PATCH', `${path}/${subresource}`, { body, contentType });
const pod = async () => (await send('GET', path)).body as Pod;

beforeEach(async () => {
  ({ send } = await createTestServer());
  const resources = { requests: { cpu: '100m' }, limits: { cpu: '1', memory: '64Mi' } };
  const containers = [{ name: 'main', image: 'busybox', resources }];
  await send('POST', '/api/v1/namespaces/default/pods', { body: podBody('a', { containers }) });
});

describe('ephemeralcontainers', () => {
  const debug = { name: 'debug', image: 'busybox', targetContainerName: 'main' };

  it('adds a container, and changes nothing else', async () => {
    const answer = await patch('ephemeralcontainers', {
      metadata: { labels: { a: 'b' } },
      spec: { ephemeralContainers: [debug], priority: 5 },
    });
    expect(answer.status).toBe(200);
    const { metadata, spec } = await pod();
    expect(spec!.ephemeralContainers).toMatchObject([{ ...debug, terminationMessagePolicy: 'File' }]);
    expect(spec!.priority).not.toBe(5);
    expect(metadata!.labels).toBeUndefined();
    expect(metadata!.generation).toBe(2);
    expect((await send('GET', `${path}/ephemeralcontainers`)).body.spec.ephemeralContainers).toHaveLength(1);
    await patch('ephemeralcontainers', { spec: { ephemeralContainers: [{ name: 'two', image: 'busybox' }] } });
    expect((await pod()).spec!.ephemeralContainers!.map(({ name }) => name).sort()).toEqual(['debug', 'two']);
  });

  it('neither removes nor changes one', async () => {
    await patch('ephemeralcontainers', { spec: { ephemeralContainers: [debug] } });
    const merge = 'application/merge-patch+json';
    await expect(patch('ephemeralcontainers', { spec: { ephemeralContainers: [] } }, merge)).rejects.toThrow(
      'Pod "a" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed',
    );
    const changed = { spec: { ephemeralContainers: [{ name: 'debug', image: 'other' }] } };
    await expect(patch('ephemeralcontainers', changed)).rejects.toThrow(
      'existing ephemeral containers "debug" may not be changed',
    );
    expect((await pod()).spec!.ephemeralContainers).toMatchObject([debug]);
  });

  it('takes no ports, probes or resources, no other name twice and no target that is not there', async () => {
    const bad = {
      ...debug,
      name: 'main',
      targetContainerName: 'nope',
      ports: [{ containerPort: 1 }],
      livenessProbe: {},
    };
    await expect(patch('ephemeralcontainers', { spec: { ephemeralContainers: [bad] } })).rejects.toMatchObject({
      code: 422,
      status: {
        details: {
          causes: [
            { field: 'spec.ephemeralContainers[0].name', message: 'Duplicate value: "main"' },
            { field: 'spec.ephemeralContainers[0].targetContainerName', message: 'Not found: "nope"' },
            {
              field: 'spec.ephemeralContainers[0].ports',
              message: 'Forbidden: cannot be set for an Ephemeral Container',
            },
            { field: 'spec.ephemeralContainers[0].livenessProbe' },
          ],
        },
      },
    });
  });

  it('comes through nothing else', async () => {
    const body = podBody('b', { ephemeralContainers: [debug] });
    await expect(send('POST', '/api/v1/namespaces/default/pods', { body })).rejects.toThrow(
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
    );
    const change = { body: { spec: { ephemeralContainers: [debug] } }, contentType: strategic };
    await expect(send('PATCH', path, change)).rejects.toThrow('pod updates may not change fields other than');
  });
});

describe('resize', () => {
  const resized = (resources: object) => ({ spec: { containers: [{ name: 'main', resources }] } });

  it('changes processor and memory, and nothing else', async () => {
    const change = resized({ requests: { cpu: '200m' }, limits: { memory: '128Mi' } });
    await patch('resize', { ...change, metadata: { labels: { a: 'b' } } });
    const { metadata, spec } = await pod();
    expect(spec!.containers![0]!.resources).toEqual({
      requests: { cpu: '200m', memory: '64Mi' },
      limits: { cpu: '1', memory: '128Mi' },
    });
    expect(metadata!.generation).toBe(2);
    expect(metadata!.labels).toBeUndefined();
    expect(metadata!.managedFields!.some(({ subresource }) => subresource === 'resize')).toBe(true);
  });

  it('keeps the class of service, and what is asked for at all', async () => {
    const guaranteed = resized({ requests: { cpu: '1', memory: '64Mi' } });
    await expect(patch('resize', guaranteed)).rejects.toThrow(
      'Pod "a" is invalid: spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
    );
    await expect(patch('resize', resized({ limits: { memory: null } }))).rejects.toThrow(
      'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    );
    await expect(patch('resize', resized({ limits: { 'example.com/gpu': '1' } }))).rejects.toThrow(
      'only cpu and memory resources are mutable',
    );
    await expect(patch('resize', resized({ limits: { cpu: '50m' } }))).rejects.toMatchObject({ code: 422 });
    expect((await pod()).metadata!.generation).toBe(1);
  });

  it('is the only way', async () => {
    const change = { body: resized({ requests: { cpu: '200m' } }), contentType: strategic };
    await expect(send('PATCH', path, change)).rejects.toThrow('pod updates may not change fields other than');
  });
});
