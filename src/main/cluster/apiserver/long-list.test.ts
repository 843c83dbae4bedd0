import { describe, expect, it } from 'vitest';
import { listParts } from './long-list';
import type { ListPayload } from './types';

const list = (items: object[]): ListPayload => ({
  type: 'list',
  apiVersion: 'v1',
  kind: 'PodList',
  metadata: { resourceVersion: '7' },
  items: items.map((value) => ({ value, json: JSON.stringify(value) })),
});

describe('the parts of a list', () => {
  it.each([0, 1, 5000])('are together the JSON of it (%i items)', (count) => {
    const items = Array.from({ length: count }, (_, index) => ({ kind: 'Pod', data: `é${index}`.repeat(50) }));
    const parts = [...listParts(list(items))];
    expect(JSON.parse(parts.join(''))).toEqual({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '7' },
      items,
    });
    expect(parts.length > 1).toBe(count > 1000);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(300 * 1024);
  });
});
