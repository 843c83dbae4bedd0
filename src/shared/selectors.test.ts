import { describe, expect, it } from 'vitest';
import { formatSelector, isEmptySelector, matchesLabels, matchesSelector } from './selectors';

const labels = { app: 'web', tier: 'front' };
const one = (operator: string, key: string, values?: string[]) => ({ matchExpressions: [{ key, operator, values }] });

describe('matchesSelector', () => {
  it.each([
    [undefined, false],
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'web', tier: 'back' } }, false],
    [one('In', 'app', ['web', 'api']), true],
    [one('In', 'none', ['web']), false],
    [one('NotIn', 'app', ['web']), false],
    [one('NotIn', 'none', ['web']), true],
    [one('Exists', 'app'), true],
    [one('Exists', 'none'), false],
    [one('DoesNotExist', 'none'), true],
    [one('DoesNotExist', 'app'), false],
    [one('Like', 'app', ['web']), false],
    [{ matchLabels: { app: 'web' }, ...one('Exists', 'none') }, false],
  ])('%j → %s', (selector, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });

  it('treats absent labels as none', () => {
    expect(matchesSelector({ matchLabels: { a: 'b' } }, undefined)).toBe(false);
    expect(matchesLabels(undefined, undefined)).toBe(true);
  });
});

it('prints the string form in the order of keys', () => {
  const matchExpressions = [
    { key: 'z', operator: 'In', values: ['b', 'a'] },
    { key: 'c', operator: 'DoesNotExist' },
    { key: 'd', operator: 'Exists' },
    { key: 'b', operator: 'NotIn', values: ['x'] },
  ];
  expect(formatSelector({ matchLabels: { app: 'web' }, matchExpressions })).toBe('app=web,b notin (x),!c,d,z in (a,b)');
  expect(formatSelector(undefined)).toBe('');
  expect(isEmptySelector({ matchLabels: {} })).toBe(true);
  expect(isEmptySelector({ matchExpressions })).toBe(false);
});
