import { expect, it } from 'vitest';
import { routeRules } from './route-rules';

const rules = (...given: object[]) => routeRules({ spec: { rules: given } });

it('reads what a rule takes', () => {
  const [rule] = rules({
    matches: [
      { path: { type: 'PathPrefix', value: '/' } },
      { path: { type: 'Exact', value: '/cart' }, method: 'GET', headers: [{ name: 'x-canary', value: 'yes' }] },
      { queryParams: [{ type: 'RegularExpression', name: 'v', value: '[12]' }] },
    ],
    filters: [{ type: 'URLRewrite' }],
  });
  expect(rule).toEqual({
    matches: ['/', 'GET /cart (Exact), x-canary: yes', '/, ?v=[12] (RegularExpression)'],
    filters: ['URLRewrite'],
    backends: [],
  });
});

it('takes everything without a match, and divides by weight among several backends', () => {
  const [one, two] = rules(
    { backendRefs: [{ name: 'web', port: 80 }] },
    {
      backendRefs: [
        { name: 'web', port: 80, weight: 9 },
        { name: 'canary', namespace: 'next', port: 80 },
      ],
    },
  );
  expect(one).toMatchObject({ matches: ['/'], backends: [{ kind: 'Service', name: 'web', port: 80 }] });
  expect(one!.backends[0]!.share).toBeUndefined();
  expect(two!.backends).toEqual([
    { kind: 'Service', name: 'web', port: 80, share: 0.9 },
    { kind: 'Service', name: 'canary', namespace: 'next', port: 80, share: 0.1 },
  ]);
});

it('divides nothing where all weights are 0', () => {
  const [rule] = rules({
    backendRefs: [
      { name: 'a', weight: 0 },
      { name: 'b', weight: 0 },
    ],
  });
  expect(rule!.backends.map(({ share }) => share)).toEqual([0, 0]);
});
