import { describe, expect, test } from 'vitest';
import { celValue, compileCel, CelError, typedValue, type CelSchema } from './index';

const evaluate = (expression: string, self: unknown = {}) =>
  compileCel(expression, { self: 'dyn' }).evaluate({ self: celValue(self) });

describe('functions', () => {
  test.each([
    ['quantity("1.5Gi").isGreaterThan(quantity("1Gi"))', true],
    ['quantity("200m").add(quantity("300m")).compareTo(quantity("0.5"))', 0],
    ['quantity("50k").asInteger()', 50_000],
    ['isQuantity("12Q")', false],
    ['url("https://example.com:8443/a%20b?x=1").getHost()', 'example.com:8443'],
    ['isURL("not a url")', false],
    ['cidr("10.0.0.0/8").containsIP("10.1.2.3")', true],
    ['cidr("10.0.0.0/8").containsCIDR(cidr("10.0.0.0/7"))', false],
    ['ip("fe80::1").isLinkLocalUnicast() && ip("fe80::1").family() == 6', true],
    ['ip.isCanonical("2001:db8::0:1")', false],
    ['isIP("300.1.1.1")', false],
    ['[1, 2, 3].isSorted() && ![3, 1].isSorted()', true],
    ['[1, 2, 3].sum() == 6 && [4, 2].min() == 2 && [4, 2].max() == 4', true],
    ['["a", "b", "a"].lastIndexOf("a")', 2],
    ['"abc 123 456".findAll("[0-9]+")', ['123', '456']],
    ['"abc 123".find("[0-9]+")', '123'],
    ['"a,b".split(",").join("-").upperAscii()', 'A-B'],
    ['"%s has %d of %.2f".format(["x", 3, 1.5])', 'x has 3 of 1.50'],
    ['"hello".charAt(1) + "hello".replace("l", "L", 1)', 'eheLlo'],
    ['sets.contains([1, 2, 3], [3, 1])', true],
    ['self.?missing.orValue("none")', 'none'],
    ['self.map(k, k)', ['a', 'b']],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression, { a: 1, b: 2 })).toEqual(expected);
  });
});

test('whole numbers of JSON are ints', () => {
  expect(evaluate('self.n + 1 == 3 && self.f < 2.0', { n: 2, f: 1.5 })).toBe(true);
});

test('a missing key fails the evaluation', () => {
  expect(() => evaluate('self.foo.bar')).toThrow(new CelError('no such key: foo'));
});

const schema: CelSchema = {
  type: 'object',
  properties: {
    replicas: { type: 'integer' },
    ratio: { type: 'number' },
    'max-size': { type: 'integer' },
    ports: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    port: { 'x-kubernetes-int-or-string': true },
    note: { type: 'string', nullable: true },
    since: { type: 'string', format: 'date-time' },
  },
};
const value = {
  replicas: 3,
  ratio: 2,
  'max-size': 4,
  ports: [{ name: 'web' }],
  labels: { 'a-b': 'c' },
  port: 'http',
  note: null,
  since: '2024-01-01T00:00:00Z',
};

describe('a variable with a schema', () => {
  test.each([
    'self.replicas < self.max__dash__size',
    'self.ratio * 1.5 == 3.0',
    'self.ports.all(p, p.name.matches("^[a-z]+$")) && self.ports[0].name == "web"',
    'self.ports.exists_one(p, p.name == "web") && self.ports.map(p, p.name).indexOf("web") == 0',
    'self.labels["a-b"] == "c" && "a-b" in self.labels',
    'self.labels.all(k, self.labels[k].size() < 10)',
    'type(self.port) == string ? self.port == "http" : self.port > 0',
    'has(self.replicas) && self.note == null',
    'self.since < timestamp("2025-01-01T00:00:00Z")',
    'self == oldSelf',
  ])('%s', (expression) => {
    const program = compileCel(expression, { self: schema, oldSelf: schema }, { returns: 'bool' });
    expect(program.evaluate({ self: typedValue(value, schema), oldSelf: typedValue(value, schema) })).toBe(true);
  });

  test('is refused a field it does not have', () => {
    expect(() => compileCel('self.replicas > 0 && self.foo', { self: schema })).toThrow(
      "compilation failed: ERROR: <input>:1:27: undefined field 'foo'\n | self.replicas > 0 && self.foo",
    );
    expect(() => compileCel('self.ports.all(p, p.nme == "a")', { self: schema })).toThrow("undefined field 'nme'");
  });

  test('is refused what its types do not have', () => {
    expect(() => compileCel('self.replicas == "3"', { self: schema })).toThrow(/no such overload: int == string/);
    expect(() => compileCel('self.replicas', { self: schema }, { returns: 'bool' })).toThrow('must evaluate to a bool');
    expect(() => compileCel('self.replicas >', { self: schema })).toThrow(/compilation failed: ERROR/);
    expect(() => compileCel('other > 1', { self: schema })).toThrow(/undeclared reference to 'other'/);
  });
});

test('says which variables are mentioned', () => {
  const { references } = compileCel('self.a == oldSelf.b', { self: 'dyn', oldSelf: 'dyn', other: 'dyn' });
  expect([...references].sort()).toEqual(['oldSelf', 'self']);
});
