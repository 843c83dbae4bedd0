import { beforeEach, describe, expect, test } from 'vitest';
import type { JsonSchema, ValidationRule } from '../../api/apiextensions/types';
import { createTestServer } from '../testing';
import { widget, widgetDefinition, withSpec } from './testing';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';

let send: Awaited<ReturnType<typeof createTestServer>>['send'];
beforeEach(async () => void ({ send } = await createTestServer()));

const define = (schema: JsonSchema, version: object = {}, spec: object = {}) =>
  send('POST', crds, { body: JSON.stringify(widgetDefinition(schema, version, spec)) });
/** The words of what is wrong; '' when nothing is. */
const refusal = async (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => '',
    (thrown: { message: string }) => thrown.message.replace(/^\S+ "[^"]+" is invalid: /, ''),
  );
const create = (spec: unknown) => refusal(send('POST', widgets, { body: widget('a', spec as object) }));
const change = (spec: unknown) =>
  refusal(
    send('PATCH', `${widgets}/a`, { body: JSON.stringify({ spec }), contentType: 'application/merge-patch+json' }),
  );

describe('values', () => {
  test.each<[JsonSchema, unknown, string]>([
    [{ type: 'integer' }, 'three', 'spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"'],
    [{ type: 'string' }, 3, 'spec.x: Invalid value: "integer": spec.x in body must be of type string: "integer"'],
    [{ type: 'integer' }, 1.5, 'spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"'],
    [
      { type: 'integer', maximum: 10 },
      11,
      'spec.x: Invalid value: 11: spec.x in body should be less than or equal to 10',
    ],
    [
      { type: 'integer', minimum: 1, exclusiveMinimum: true },
      1,
      'spec.x: Invalid value: 1: spec.x in body should be greater than 1',
    ],
    [{ type: 'integer', multipleOf: 5 }, 7, 'spec.x: Invalid value: 7: spec.x in body should be a multiple of 5'],
    [{ type: 'string', enum: ['a', 'b'] }, 'c', 'spec.x: Unsupported value: "c": supported values: "a", "b"'],
    [{ type: 'string', pattern: '^a+$' }, 'b', `spec.x: Invalid value: "b": spec.x in body should match '^a+$'`],
    [
      { type: 'string', minLength: 2 },
      'b',
      'spec.x: Invalid value: "b": spec.x in body should be at least 2 chars long',
    ],
    [{ type: 'string', maxLength: 1 }, 'bb', 'spec.x: Too long: may not be more than 1 bytes'],
    [
      { type: 'string', format: 'date-time' },
      'soon',
      'spec.x: Invalid value: "soon": spec.x in body must be of type date-time: "soon"',
    ],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      'spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"',
    ],
    [
      { type: 'array', items: { type: 'string' }, maxItems: 1 },
      ['a', 'b'],
      'spec.x: Too many: 2: must have at most 1 items',
    ],
    [
      { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
      ['a', 'a'],
      'spec.x[1]: Duplicate value: "a"',
    ],
    [{ type: 'object', properties: { y: { type: 'string' } }, required: ['y'] }, {}, 'spec.x.y: Required value'],
    [
      { type: 'object', additionalProperties: { type: 'integer' } },
      { k: 'v' },
      'spec.x.k: Invalid value: "string": spec.x.k in body must be of type integer: "string"',
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      { kind: 'Pod' },
      'spec.x.apiVersion: Required value: must not be empty',
    ],
    [
      { type: 'object', properties: { a: { type: 'string' } }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      '[spec.x: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid, spec.x.a: Required value]',
    ],
    [
      { type: 'string', not: { enum: ['bad'] } },
      'bad',
      'spec.x: Invalid value: "": "spec.x" must not validate the schema (not)',
    ],
  ])('%j refuses %j', async (schema, value, words) => {
    await define(withSpec({ x: schema }));
    expect(await create({ x: value })).toBe(words);
  });

  test('that were bad before and stay as they are do not stop an update', async () => {
    await define(withSpec({ x: { type: 'string' }, y: { type: 'integer' } }));
    await create({ x: 'long', y: 1 });
    const { body } = await send('GET', `${crds}/widgets.example.com`);
    const tighter = withSpec({ x: { type: 'string', maxLength: 2 }, y: { type: 'integer' } });
    const spec = { ...body.spec, versions: [{ ...body.spec.versions[0], schema: { openAPIV3Schema: tighter } }] };
    await send('PUT', `${crds}/widgets.example.com`, { body: { ...body, spec } });
    expect(await change({ y: 2 })).toBe('');
    expect(await change({ x: 'other' })).toBe('spec.x: Too long: may not be more than 2 bytes');
  });
});

describe('rules', () => {
  const numbers: Record<string, JsonSchema> = {
    min: { type: 'integer' },
    max: { type: 'integer' },
    name: { type: 'string' },
  };
  const withRule = (...rules: ValidationRule[]) => withSpec(numbers, { 'x-kubernetes-validations': rules });

  test('hold', async () => {
    await define(withRule({ rule: 'self.min <= self.max', message: 'min must not be above max' }));
    expect(await create({ min: 1, max: 2 })).toBe('');
    expect(await change({ min: 3 })).toBe('spec: Invalid value: "object": min must not be above max');
  });

  test('speak for themselves, or as their expression says, and name a field', async () => {
    await define(
      withRule(
        { rule: 'self.min < 10' },
        { rule: 'self.max < 10', messageExpression: '"%d is too much".format([self.max])', fieldPath: '.max' },
        { rule: 'self.name != "x"', reason: 'FieldValueForbidden', message: 'not that one', fieldPath: '.name' },
      ),
    );
    expect(await create({ min: 10, max: 11, name: 'x' })).toBe(
      '[spec: Invalid value: "object": failed rule: self.min < 10, spec.max: Invalid value: "object": 11 is too much, spec.name: Forbidden: not that one]',
    );
    expect(await create({ max: 1, name: 'y' })).toBe(
      'spec: Invalid value: "object": no such key: min evaluating rule: self.min < 10',
    );
  });

  test('compare with what was before', async () => {
    await define(
      withSpec({
        fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'is immutable' }] },
        free: { type: 'string' },
      }),
    );
    expect(await create({ fixed: 'a', free: 'b' })).toBe('');
    expect(await change({ free: 'c' })).toBe('');
    expect(await change({ fixed: 'd' })).toBe('spec.fixed: Invalid value: "string": is immutable');
  });

  test('may be asked of creates too (optionalOldSelf)', async () => {
    await define(
      withRule({ rule: 'oldSelf.hasValue() || self.min == 0', message: 'starts at 0', optionalOldSelf: true }),
    );
    expect(await create({ min: 1 })).toBe('spec: Invalid value: "object": starts at 0');
    expect(await create({ min: 0 })).toBe('');
    expect(await change({ min: 5 })).toBe('');
  });

  test('are not asked of an object that is wrong already', async () => {
    await define(withRule({ rule: 'self.min <= self.max' }));
    expect(await create({ min: 'a', max: 1 })).toBe(
      '[spec.min: Invalid value: "string": spec.min in body must be of type integer: "string", <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    );
  });

  test('that do not compile are refused with the definition', async () => {
    const words = await refusal(define(withRule({ rule: 'self.mn <= self.max' })));
    expect(words).toContain(
      'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule',
    );
    expect(words).toContain("compilation failed: ERROR: <input>:1:6: undefined field 'mn'");
  });

  test('see metadata, names with dashes and amounts', async () => {
    await define({
      ...withSpec({ 'max-size': { type: 'string' } }),
      'x-kubernetes-validations': [
        { rule: 'self.metadata.name.startsWith("a")' },
        { rule: 'quantity(self.spec.max__dash__size).isLessThan(quantity("1Gi"))', message: 'too big' },
      ],
    });
    expect(await create({ 'max-size': '100Mi' })).toBe('');
    expect(await change({ 'max-size': '2Gi' })).toBe('<nil>: Invalid value: "object": too big');
  });
});

describe('definitions', () => {
  const at = 'spec.versions[0].schema.openAPIV3Schema';
  test.each<[string, JsonSchema, string]>([
    ['a schema without a type', {}, `${at}.type: Required value: must not be empty at the root`],
    [
      'a field without a type',
      { type: 'object', properties: { a: {} } },
      `${at}.properties[a].type: Required value: must not be empty for specified object fields`,
    ],
    [
      'types in combinations',
      { type: 'object', properties: { a: { type: 'string', anyOf: [{ type: 'string' }] } } },
      `${at}.properties[a].anyOf[0].type: Forbidden: must be empty to be structural`,
    ],
    [
      'a list with keys that may be left out',
      {
        type: 'object',
        properties: {
          a: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k'],
            items: { type: 'object', properties: { k: { type: 'string' } } },
          },
        },
      },
      `${at}.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
    [
      'a default of the wrong type',
      { type: 'object', properties: { a: { type: 'integer', default: 'x' } } },
      `${at}.properties[a].default: Invalid value: "string": ${at}.properties[a].default in body must be of type integer: "string"`,
    ],
  ])('may not have %s', async (_, schema, words) => {
    expect(await refusal(define(schema))).toBe(words);
  });

  test('have the name that their names make, one stored version and a scope', async () => {
    const body = widgetDefinition(withSpec({}), { storage: false }, { scope: 'World' });
    body.metadata.name = 'other.example.com';
    expect(await refusal(send('POST', crds, { body: JSON.stringify(body) }))).toBe(
      '[metadata.name: Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group, spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced", spec.versions: Invalid value: "v1": must have exactly one version marked as storage version, status.storedVersions: Invalid value: []: must have at least one stored version]',
    );
    expect(await refusal(send('POST', crds, { body: JSON.stringify({ metadata: { name: 'a.b' } }) }))).toContain(
      'spec.group: Required value',
    );
  });

  test('of protected groups need an approval', async () => {
    const body = widgetDefinition(withSpec({}), {}, { group: 'example.k8s.io' });
    body.metadata.name = 'widgets.example.k8s.io';
    expect(await refusal(send('POST', crds, { body: JSON.stringify(body) }))).toContain(
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation',
    );
  });

  test('keep their scope and kind while they are served', async () => {
    await define(withSpec({}));
    for (let index = 0; index < 5; index++) await new Promise((resolve) => setImmediate(resolve));
    const patch = { spec: { scope: 'Cluster' } };
    const contentType = 'application/merge-patch+json';
    expect(
      await refusal(send('PATCH', `${crds}/widgets.example.com`, { body: JSON.stringify(patch), contentType })),
    ).toBe('spec.scope: Invalid value: "Cluster": field is immutable');
  });

  test('with conversion webhooks are stored with a warning', async () => {
    const webhook = { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://example.com' } };
    const { status, warnings } = await define(withSpec({}), {}, { conversion: { strategy: 'Webhook', webhook } });
    expect([status, warnings]).toEqual([
      201,
      [
        'Gantry does not call conversion webhooks: objects of widgets.example.com change nothing but their apiVersion from version to version',
      ],
    ]);
  });

  test('are held against the fields of their own kind', async () => {
    const body = JSON.stringify(widgetDefinition({ type: 'object', propertys: {} } as JsonSchema));
    expect(await refusal(send('POST', crds, { body, query: { fieldValidation: 'Strict' } }))).toContain(
      'unknown field "spec.versions[0].schema.openAPIV3Schema.propertys"',
    );
    const inside: any = {
      type: 'object',
      properties: { a: { type: 'array', items: { type: 'string', patern: 'x' } } },
    };
    expect(
      await refusal(
        send('POST', crds, { body: JSON.stringify(widgetDefinition(inside)), query: { fieldValidation: 'Strict' } }),
      ),
    ).toContain('unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.items.patern"');
  });
});
