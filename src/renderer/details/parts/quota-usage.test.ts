import { expect, it } from 'vitest';
import type { ResourceQuota } from '@shared/k8s';
import { quotaUsage } from './quota-usage';

it('tells how full a quota is, the fullest first, also before it was counted', () => {
  const quota = {
    spec: { hard: { pods: '10' } },
    status: { hard: { pods: '10', 'requests.cpu': '2', secrets: '0' }, used: { pods: '3', 'requests.cpu': '1500m' } },
  } as unknown as ResourceQuota;
  expect(quotaUsage(quota)).toEqual([
    { resource: 'requests.cpu', used: '1.5', hard: '2', share: 0.75 },
    { resource: 'pods', used: '3', hard: '10', share: 0.3 },
    { resource: 'secrets', used: '0', hard: '0', share: 0 },
  ]);
  expect(quotaUsage({ spec: { hard: { pods: '10' } } } as unknown as ResourceQuota)).toMatchObject([
    { resource: 'pods', used: '0', share: 0 },
  ]);
});
