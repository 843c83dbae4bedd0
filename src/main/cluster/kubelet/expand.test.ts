import { expect, it } from 'vitest';
import { expandVariables } from './expand';

it.each([
  ['$(A)', 'one'],
  ['$(A)-$(B)', 'one-two'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$(MISSING) stays', '$(MISSING) stays'],
  ['$A and $(', '$A and $('],
  ['cost: 5$', 'cost: 5$'],
])('%s becomes %s', (text, wanted) => {
  expect(expandVariables(text, (name) => ({ A: 'one', B: 'two' })[name])).toBe(wanted);
});
