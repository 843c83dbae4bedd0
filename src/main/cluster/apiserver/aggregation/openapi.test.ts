import { describe, expect, it } from 'vitest';
import { AggregationBed, failureOf, eventually } from '../../../../../test/support/aggregation-bed';
import { mergeOpenApiV2, partOf } from './openapi-v2';
import { json, version } from './testing';

const bed = new AggregationBed();

describe('OpenAPI', () => {
  const definition = {
    type: 'object',
    properties: { size: { $ref: '#/definitions/Size' }, self: { $ref: '#/definitions/Hat' } },
  };
  const documents: Record<string, unknown> = {
    '/openapi/v3': { paths: { [`apis/${version}`]: { serverRelativeURL: `/openapi/v3/apis/${version}?hash=1` } } },
    [`/openapi/v3/apis/${version}`]: { openapi: '3.0.0', info: { title: 'hats' } },
    '/openapi/v2': {
      swagger: '2.0',
      paths: {
        [`/apis/${version}/hats`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/Hat' } } } } },
        '/apis/apps/v1/deployments': { get: {} },
      },
      definitions: { Hat: definition, Size: { type: 'string' }, Unused: {}, 'io.k8s.api.core.v1.Pod': {} },
    },
  };
  const get = async (path: string) => (await bed.transport().request({ method: 'GET', path })).body;
  let asked: string[] = [];
  const serve = (said: Record<string, unknown>) => {
    asked = [];
    bed.extension.describe = (incoming, response) => {
      asked.push(incoming.url!);
      const document = said[incoming.url!];
      json(response, document ?? {}, document === undefined ? 404 : 200);
    };
  };

  it('tells of the kinds of other servers what they tell', async () => {
    serve(documents);
    await bed.register();
    const index = await eventually(async () => {
      const { paths } = await get('/openapi/v3');
      expect(paths).toHaveProperty([`apis/${version}`]);
      return paths;
    });
    expect(await get(index[`apis/${version}`].serverRelativeURL)).toEqual(documents[`/openapi/v3/apis/${version}`]);
    const { paths, definitions } = await get('/openapi/v2');
    expect(paths[`/apis/${version}/hats`]).toBeDefined();
    expect(paths['/apis/apps/v1/namespaces/{namespace}/deployments'].get.operationId).toBeDefined();
    expect(definitions).toMatchObject({ Hat: definition, Size: { type: 'string' } });
    expect(definitions).not.toHaveProperty('Unused');
    expect(definitions['io.k8s.api.core.v1.Pod'].properties).toBeDefined();
  });

  it('is not spoiled by a server that has none, or a broken one', async () => {
    serve({
      ...documents,
      '/openapi/v3': { paths: 5 },
      '/openapi/v2': { paths: { [`/apis/${version}/x`]: { get: { responses: 7, parameters: 3 } } } },
    });
    await bed.register();
    await eventually(() => expect(asked).toEqual(['/openapi/v3', '/openapi/v2']));
    await bed.nudge();
    await eventually(() => expect(asked.length).toBeGreaterThan(2));
    const paths = (await get('/openapi/v3')).paths;
    expect(paths).toHaveProperty(['apis/apps/v1']);
    expect(paths).not.toHaveProperty([`apis/${version}`]);
    expect(await failureOf(get(`/openapi/v3/apis/${version}`))).toMatch(/^404/);
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    expect((await bed.send('GET', '/openapi/v2', { accept })).status).toBe(200);
  });

  it('renames definitions of other servers that are called like one of ours', () => {
    const ours = { swagger: '2.0', paths: {}, definitions: { Size: { type: 'integer' }, Same: { type: 'string' } } };
    const part = partOf(
      {
        paths: { '/apis/x/hats': { get: { a: [{ $ref: '#/definitions/Hat' }] } } },
        definitions: {
          Hat: {
            p: { $ref: '#/definitions/Size' },
            q: { $ref: '#/definitions/Same' },
            r: { $ref: '#/definitions/none' },
          },
          Size: { type: 'string', of: { $ref: '#/definitions/Hat' } },
          Same: { type: 'string' },
        },
      },
      '/apis/x/',
    );
    expect(mergeOpenApiV2(ours, [part!])).toEqual({
      swagger: '2.0',
      paths: { '/apis/x/hats': { get: { a: [{ $ref: '#/definitions/Hat' }] } } },
      definitions: {
        Size: { type: 'integer' },
        Same: { type: 'string' },
        Size_v2: { type: 'string', of: { $ref: '#/definitions/Hat' } },
        Hat: {
          p: { $ref: '#/definitions/Size_v2' },
          q: { $ref: '#/definitions/Same' },
          r: { $ref: '#/definitions/none' },
        },
      },
    });
    const nothing = { paths: {}, definitions: {} };
    expect(mergeOpenApiV2(nothing, [part!, part!])).toEqual(part);
    expect(partOf('nonsense', '/')).toBeUndefined();
  });
});
