import { describe, expect, test } from 'vitest';
import { describeRights, missingRights, ruleAllows } from './rules';

const pods = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] };
const ask = (verb: string, resource: string, more: object = {}) => ({ verb, group: '', resource, ...more });

describe('a rule', () => {
  test.each([
    [pods, ask('get', 'pods'), true],
    [pods, ask('get', 'pods', { name: 'any' }), true],
    [pods, ask('delete', 'pods'), false],
    [pods, ask('get', 'pods', { group: 'apps' }), false],
    [pods, ask('get', 'pods', { subresource: 'log' }), false],
    [{ ...pods, resources: ['pods/log'] }, ask('get', 'pods', { subresource: 'log' }), true],
    [{ ...pods, resources: ['pods/log'] }, ask('get', 'pods'), false],
    [{ ...pods, resources: ['*/log'] }, ask('get', 'pods', { subresource: 'log' }), true],
    [{ ...pods, resources: ['*/log'] }, ask('get', 'pods', { subresource: 'exec' }), false],
    [{ ...pods, resources: ['*'] }, ask('get', 'pods', { subresource: 'exec' }), true],
    [{ ...pods, verbs: ['*'] }, ask('delete', 'pods'), true],
    [{ ...pods, apiGroups: ['*'] }, ask('get', 'pods', { group: 'x' }), true],
    [{ ...pods, resourceNames: ['a'] }, ask('get', 'pods', { name: 'a' }), true],
    [{ ...pods, resourceNames: ['a'] }, ask('get', 'pods', { name: 'b' }), false],
    [{ ...pods, resourceNames: ['a'] }, ask('list', 'pods'), false],
    [{ verbs: ['get'], nonResourceURLs: ['/logs/*'] }, ask('get', '', { path: '/logs/a/b' }), true],
    [{ verbs: ['get'], nonResourceURLs: ['/logs'] }, ask('get', '', { path: '/logs/a' }), false],
    [{ verbs: ['get'], nonResourceURLs: ['*'] }, ask('get', '', { path: '/' }), true],
    [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, ask('get', '', { path: '/metrics' }), false],
  ])('%j allows %j: %s', (rule, asked, expected) => {
    expect(ruleAllows(rule, asked)).toBe(expected);
  });
});

describe('what is missing', () => {
  test.each([
    [[pods], [pods], []],
    [[pods], [{ ...pods, verbs: ['get', 'delete'] }], ['{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}']],
    [[pods], [{ ...pods, verbs: ['*'] }], ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']],
    [[pods], [{ ...pods, resourceNames: ['a'] }], []],
    [[{ ...pods, resourceNames: ['a'] }], [pods], ['{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}']],
    [
      [{ ...pods, resourceNames: ['a'] }],
      [{ ...pods, resourceNames: ['a', 'b'] }],
      ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get" "list"]}'],
    ],
    [[{ ...pods, resources: ['*/log'] }], [{ ...pods, resources: ['pods/log'] }], []],
    [[{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], [{ verbs: ['get'], nonResourceURLs: ['/a/b*'] }], []],
    [
      [{ verbs: ['get'], nonResourceURLs: ['/a'] }],
      [{ verbs: ['get'], nonResourceURLs: ['/a/*'] }],
      ['{NonResourceURLs:["/a/*"], Verbs:["get"]}'],
    ],
    [[{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], [pods, { ...pods, resources: ['pods/exec'] }], []],
  ])('of %j for %j', (held, wanted, expected) => {
    expect(describeRights(missingRights(held, wanted))).toEqual(expected);
  });
});
