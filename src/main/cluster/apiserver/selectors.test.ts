import { describe, expect, it } from 'vitest';
import type { KindDefinition } from '../api/kind';
import { selectionOf } from './selectors';

const kind = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  namespaced: true,
  columns: [],
  fieldSelectors: { 'spec.nodeName': (object) => object.spec?.nodeName ?? '' },
} as KindDefinition;

const matches = (query: Record<string, string>, object: object) =>
  selectionOf(kind, new URLSearchParams(query)).match?.(object) ?? true;
const labelled = (labels?: Record<string, string>) => ({ metadata: { name: 'a', namespace: 'n', labels } });

describe('label selectors', () => {
  it.each([
    ['', {}, true],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: 'x' }, false],
    ['a=x', { a: 'x' }, true],
    ['a==x', { a: 'y' }, false],
    ['a=', { a: '' }, true],
    ['a!=x', {}, true],
    ['a!=x', { a: 'x' }, false],
    ['a in (x, y)', { a: 'y' }, true],
    ['a in (x,y)', {}, false],
    ['a notin (x)', {}, true],
    ['a notin (x)', { a: 'x' }, false],
    ['n>2', { n: '3' }, true],
    ['n<2', { n: '3' }, false],
    ['app in (a,b),tier notin (x),!z,q', { app: 'a', q: '1' }, true],
    ['app in (a,b),tier notin (x),!z,q', { app: 'a', q: '1', z: '' }, false],
    ['example.com/a.b=c_d', { 'example.com/a.b': 'c_d' }, true],
    ['constructor', {}, false],
  ])('%s on %j is %s', (labelSelector, labels, expected) => {
    expect(matches({ labelSelector }, labelled(labels as Record<string, string>))).toBe(expected);
  });

  it.each(['a in x', 'a in (x', '=x', 'a b', 'a in', 'n>x', '-a=b', 'a=b c', 'a=-'])('refuses %s', (labelSelector) => {
    expect(() => matches({ labelSelector }, {})).toThrow(/unable to parse requirement/);
  });
});

describe('field selectors', () => {
  const pod = { metadata: { name: 'a', namespace: 'n' }, spec: { nodeName: 'n,1' } };
  it.each([
    ['metadata.name=a', true],
    ['metadata.name!=a', false],
    ['metadata.namespace==n,metadata.name=a', true],
    ['spec.nodeName=n\\,1', true],
    ['spec.nodeName=', false],
  ])('%s is %s', (fieldSelector, expected) => {
    expect(matches({ fieldSelector }, pod)).toBe(expected);
  });

  it('names the object that can match, and fields that do not exist', () => {
    expect(selectionOf(kind, new URLSearchParams({ fieldSelector: 'metadata.name=a' })).name).toBe('a');
    expect(() => matches({ fieldSelector: 'spec.x=1' }, pod)).toThrow('field label not supported: spec.x');
    expect(() => matches({ fieldSelector: 'spec.x' }, pod)).toThrow(/invalid selector/);
  });
});
