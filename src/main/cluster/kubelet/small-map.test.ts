import { expect, it } from 'vitest';
import { SmallMap } from './small-map';

it('is a map', () => {
  const map = new SmallMap<string, number>();
  expect([map.size, map.get('a'), map.has('a'), map.keys()]).toEqual([0, undefined, false, []]);
  map.set('b', 1);
  map.set('a', 2);
  map.set('b', 3);
  expect([map.size, map.get('b'), map.has('a'), map.keys(), map.values()]).toEqual([2, 3, true, ['b', 'a'], [3, 2]]);
  for (const key of map.keys()) if (key === 'b') map.delete(key);
  map.delete('nothing');
  expect([map.size, map.keys(), map.has('b')]).toEqual([1, ['a'], false]);
  map.clear();
  expect(map.values()).toEqual([]);
});
