import { expect, it } from 'vitest';
import { readableQuantity } from './readable-quantity';

it.each([
  ['cpu', '250m', '250m'],
  ['limits.cpu', '13500m', '13.5'],
  ['cpu', '2', '2'],
  ['memory', '82502656', '78.68Mi'],
  ['requests.memory', '1600Mi', '1.56Gi'],
  ['ephemeral-storage', '1024', '1Ki'],
  ['requests.storage', '0', '0'],
  ['pods', '40', '40'],
  ['count/deployments.apps', '7', '7'],
])('shows %s %s as %s', (resource, quantity, read) => {
  expect(readableQuantity(resource, quantity)).toBe(read);
});
