import { describe, expect, test } from 'vitest';
import { celValue, compileCel, CelError, typedValue, type CelSchema } from './index';

const evaluate = (expression: string, self: unknown = {}) =>
  compileCel(expression, { self: 'dyn' }).evaluate({ self: celValue(self) });

describe('functions', () => {
  test.each([
    ['format.dns1123Label().validate("Bad_").hasValue() && !format.dns1123Label().validate("good").hasValue()', true],
    ['format.named("labelValue").value().validate("-x").value().size()', 1],
    ['format.named("nothing").hasValue() || format.dns1123LabelPrefix().validate("a-").hasValue()', false],
    ['semver("1.10.0").isGreaterThan(semver("1.9.9")) && semver("1.0.0-rc.2").isLessThan(semver("1.0.0"))', true],
    ['semver("1.0.0-alpha.9").compareTo(semver("1.0.0-alpha.10"))', -1],
    ['isSemver("v1.2") || !isSemver("v1.2", true) || semver("v01.2", true).minor() != 2', false],
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

describe('work without end', () => {
  const list = Array.from({ length: 2000 }, (_, index) => index);
  test('does not hang on a hostile regular expression', () => {
    const text = `${'a'.repeat(5000)}!`;
    expect(evaluate("self.matches('^(a+)+$')", text)).toBe(false);
    expect(evaluate("self.matches('^[a-z]+!$')", text)).toBe(true);
    expect(evaluate("self.find('(a|aa)+$') == '' && self.findAll('(a*)*b').size() == 0", text)).toBe(true);
    expect(() => evaluate("self.matches('(?=' + 'a)')", text)).toThrow('invalid or unsupported Perl syntax: `(?=`');
    expect(() => evaluate("self.matches('(')", text)).toThrow('ERROR: <input>:1:14: invalid matches argument');
    expect(() => evaluate("self.matches('^(.*)(.*)(.*)(.*)$')", text.repeat(200))).toThrow('cost limit exceeded');
  });

  test.each([
    'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))',
    '!self.exists(a, self.exists(b, self.exists(c, a + b + c < 0)))',
    'self.map(a, self.map(b, self.map(c, a))).size() > 0',
    'self.filter(a, self.filter(b, self.exists_one(c, c == a)).size() > 0).size() > 0',
    'cel.bind(x, self.map(a, "0123456789"), x.all(a, x.all(b, (a + b).matches("^[0-9]+$"))))',
  ])('is cut short: %s', (expression) => {
    expect(() => evaluate(expression, list)).toThrow('operation cancelled: actual cost limit exceeded');
  });

  test('is cut short where texts double', () => {
    const double = (depth: number): string => (depth === 0 ? 'x' : `cel.bind(x, x + x, ${double(depth - 1)})`);
    expect(() => evaluate(`cel.bind(x, self, ${double(25)}).size() > 0`, 'ab')).toThrow('cost limit exceeded');
  });

  test('leaves alone what takes reasonable work', () => {
    expect(evaluate('self.all(a, self.exists(b, b == a))', list.slice(0, 500))).toBe(true);
    expect(evaluate('self.map(a, string(a)).join(",").size() > 100', list)).toBe(true);
  });
});
