import { expect, it } from 'vitest';
import { createTestServer, deploymentBody, podBody, type TestRequest } from './testing';

const configMaps = '/api/v1/namespaces/default/configmaps';
const named = { body: { metadata: { name: 'a' } } };

async function refusal(method: string, path: string, request: TestRequest): Promise<string> {
  const { send } = await createTestServer();
  await send('POST', configMaps, { body: { metadata: { name: 'there' } } });
  const answer = await send(method, path, request).catch((error: { code: number; message: string }) => error);
  return 'code' in answer ? `${answer.code} ${answer.message}` : `answered ${answer.status}`;
}

it.each<[string, string, TestRequest, string]>([
  [
    'POST',
    configMaps,
    { ...named, query: { fieldManager: 'x'.repeat(129) } },
    '422 CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
  ],
  [
    'POST',
    configMaps,
    { ...named, query: { fieldManager: 'a\nb' } },
    '422 CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\nb": invalid character U+000A (at position 1)',
  ],
  [
    'PUT',
    `${configMaps}/there`,
    { ...named, query: { dryRun: 'server' } },
    '422 UpdateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["server"]: supported values: "All"',
  ],
  [
    'PATCH',
    `${configMaps}/there`,
    { body: {}, contentType: 'application/merge-patch+json', query: { force: 'true' } },
    '422 PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
  ],
  [
    'PATCH',
    `${configMaps}/there`,
    { body: {}, contentType: 'application/merge-patch+json', query: { fieldValidation: 'Most' } },
    '422 PatchOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Most": supported values: "", "Ignore", "Strict", "Warn"',
  ],
  [
    'DELETE',
    `${configMaps}/there`,
    { query: { orphanDependents: 'true', propagationPolicy: 'Orphan' } },
    '422 DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
  ],
  [
    'DELETE',
    `${configMaps}/there`,
    { body: { dryRun: ['None'] } },
    '422 DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["None"]: supported values: "All"',
  ],
  [
    'DELETE',
    `${configMaps}/there`,
    { body: '{"preconditions":"x"}', contentType: 'application/json' },
    '400 DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal string into Go struct field DeleteOptions.preconditions of type v1.Preconditions',
  ],
  [
    'GET',
    configMaps,
    { query: { resourceVersionMatch: 'Exact' } },
    '422 ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ],
  [
    'GET',
    configMaps,
    { query: { resourceVersionMatch: 'Nearly', resourceVersion: '1', continue: 'x' } },
    '422 ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided, resourceVersionMatch: Unsupported value: "Nearly": supported values: "Exact", "NotOlderThan", ""]',
  ],
  [
    'GET',
    configMaps,
    { query: { sendInitialEvents: 'true' } },
    '422 ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
  ],
])('%s %s', async (method, path, request, expected) => {
  expect(await refusal(method, path, request)).toBe(expected);
});

it('log options are PodLogOptions', async () => {
  const { send } = await createTestServer();
  await send('POST', '/api/v1/namespaces/default/pods', { body: podBody('a') });
  const log = (query: Record<string, string>) => send('GET', '/api/v1/namespaces/default/pods/a/log', { query });
  await expect(log({ tailLines: '-1' })).rejects.toMatchObject({
    code: 422,
    message: 'PodLogOptions "a" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  });
  await expect(log({ limitBytes: '0', sinceSeconds: '0' })).rejects.toThrow('must be greater than 0, sinceSeconds');
  await expect(log({ sinceSeconds: '1', sinceTime: '2020-01-01T00:00:00Z' })).rejects.toThrow('at most one of');
});

it('applies the scale subresource under the name of its manager', async () => {
  const { send } = await createTestServer();
  const path = '/apis/apps/v1/namespaces/default/deployments';
  await send('POST', path, { body: deploymentBody('web'), query: { fieldManager: 'maker' } });
  const apply = (replicas: number, query: Record<string, string> = {}) =>
    send('PATCH', `${path}/web/scale`, {
      body: `apiVersion: autoscaling/v1\nkind: Scale\nspec: {replicas: ${replicas}}`,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'scaler', ...query },
    });
  await expect(apply(3)).rejects.toMatchObject({
    code: 409,
    message: expect.stringContaining('conflict with "maker"'),
  });
  expect((await apply(3, { force: 'true' })).body.spec).toEqual({ replicas: 3 });
  const { spec, metadata } = (await send('GET', `${path}/web`)).body;
  expect(spec.replicas).toBe(3);
  expect(metadata.managedFields).toContainEqual(
    expect.objectContaining({
      manager: 'scaler',
      operation: 'Apply',
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    }),
  );
  await expect(apply(-1, { force: 'true' })).rejects.toMatchObject({ code: 422 });
});
