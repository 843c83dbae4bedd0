import { describe, expect, it } from 'vitest';
import { duplicateFields } from './duplicate-fields';

describe('duplicate fields', () => {
  it.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', []],
    ['{"a":1,"a":2}', ['a']],
    ['{"spec":{"replicas":1,"x":"}\\"{","replicas" : 2}}', ['spec.replicas']],
    ['{"l":[1,{"n":1,"n":2}]}', ['l[1].n']],
    ['{"a\\u0062":1,"ab":2}', ['ab']],
    ['{"a":"a","b":"a"}', []],
    ['{"a":"\\\\","a":1}', ['a']],
    ['["a","a"]', []],
  ])('of %s are %j', (text, expected) => {
    JSON.parse(text);
    expect(duplicateFields(text)).toEqual(expected);
  });
});
