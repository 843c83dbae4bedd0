import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compareKeys, toJson, toYaml } from './yaml';

describe('toYaml', () => {
  it('quotes as the reference encoder does', () => {
    const long = 'long text with many words and more words '.repeat(5);
    const shown = toYaml({
      data: {
        a: long,
        ab: 'trail \n line',
        ac: ' lead\nline',
        ad: '😀',
        af: 'a:',
        ag: "it's: x",
        aj: '?x',
        al: '!x',
        aq: '.inf',
        ar: '1_000',
        av: '1.',
        b: 'true',
        d: 'line1\nline2 x',
        e: "it's #x",
        f: '"q"',
        g: '1e3',
        l: ' lead',
        m: '2020-01-01',
        n: '1:20',
        o: 'a\tb',
        r: '',
        t: '012',
        v: '%a',
        y: '.5',
        z: '<<',
      },
    });
    expect(shown).toBe(`data:
  a: 'long text with many words and more words long text with many words and more
    words long text with many words and more words long text with many words and more
    words long text with many words and more words '
  ab: "trail \\n line"
  ac: |2-
     lead
    line
  ad: "\\U0001F600"
  af: 'a:'
  ag: 'it''s: x'
  aj: ?x
  al: '!x'
  aq: ".inf"
  ar: "1_000"
  av: "1."
  b: "true"
  d: |-
    line1
    line2 x
  e: 'it''s #x'
  f: '"q"'
  g: "1e3"
  l: ' lead'
  m: "2020-01-01"
  "n": "1:20"
  o: "a\\tb"
  r: ""
  t: "012"
  v: '%a'
  "y": ".5"
  z: <<
`);
  });

  it('keeps lists at the level of their key and reads back as it was', () => {
    const value = {
      spec: {
        containers: [{ name: 'a', ports: [{ containerPort: 80 }], args: ['-c', 'x\ny\n'] }, { name: 'b' }],
        none: [],
        empty: {},
      },
      list: [['a', 'b'], [], null],
    };
    expect(toYaml(value)).toBe(`list:
- - a
  - b
- []
- null
spec:
  containers:
  - args:
    - -c
    - |
      x
      y
    name: a
    ports:
    - containerPort: 80
  - name: b
  empty: {}
  none: []
`);
    expect(parse(toYaml(value))).toEqual(value);
  });
});

describe('key order and JSON', () => {
  it('sorts digits by value and letters last', () => {
    expect(['a10', 'a2', 'a.b', 'ab', 'a'].sort(compareKeys)).toEqual(['a', 'a.b', 'a2', 'a10', 'ab']);
  });

  it('escapes what Go escapes', () => {
    expect(toJson({ b: '<none> & x', a: 1 }, 0)).toBe('{"a":1,"b":"\\u003cnone\\u003e \\u0026 x"}');
  });
});
