import { expect, it } from 'vitest';
import type { MetricSpec, MetricStatus } from './k8s';
import { metricLines } from './metric-lines';

it('puts every metric of an autoscaler beside its target', () => {
  const specs = [
    { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1024Mi' } } },
    { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: '30' } } },
  ] as unknown as MetricSpec[];
  const statuses = [
    { type: 'Resource', resource: { name: 'memory', current: { averageValue: '82502656' } } },
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '20m' } } },
  ] as unknown as MetricStatus[];
  expect(metricLines(specs, statuses)).toEqual([
    { name: 'cpu', of: 'Resource', current: '40%', target: '80%', share: 0.5 },
    { name: 'memory', of: 'Resource', current: '78.68Mi', target: '1Gi' },
    { name: 'queue', of: 'External', target: '30' },
  ]);
});
