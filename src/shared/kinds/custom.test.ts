import { describe, expect, it } from 'vitest';
import { customKindOf, customKindView } from './custom';
import { projectRow } from './project';

const established = { conditions: [{ type: 'Established', status: 'True' }] };
const crd = (versions: object[], status: object = established) => ({
  metadata: { name: 'crontabs.stable.example.com' },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural: 'crontabs', kind: 'CronTab' },
    versions,
  },
  status,
});
const v1 = {
  name: 'v1',
  served: true,
  storage: true,
  subresources: { scale: { specReplicasPath: '.spec.replicas', labelSelectorPath: '.status.selector' } },
  additionalPrinterColumns: [
    { name: 'Spec', type: 'string', jsonPath: '.spec.cronSpec' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
    { name: 'Odd', type: 'string', jsonPath: '.spec[' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
};

describe('a custom kind', () => {
  it('shows the printer columns of its definition', () => {
    const view = customKindView(customKindOf(crd([v1]))!);
    expect(view.id).toBe('crontabs.stable.example.com');
    expect(view.columns.map(({ title, renderer, optional }) => [title, renderer, optional])).toEqual([
      ['Spec', 'text', undefined],
      ['Ready', 'text', undefined],
      ['Replicas', 'number', true],
      ['Odd', 'text', undefined],
    ]);
    const object = {
      metadata: { name: 'a', uid: 'u' },
      spec: { cronSpec: '* * * * *', replicas: 3 },
      status: { selector: 'app=a', conditions: [{ type: 'Ready', status: 'True' }] },
    };
    const row = projectRow(view, object);
    expect(Object.values(row.cells)).toEqual(['* * * * *', 'True', 3, null]);
    expect(row.facts).toEqual({ replicas: 3 });
    expect(view.podSelector?.(object)).toBe('app=a');
    expect(view.capabilities).toEqual({ scale: true, logs: true });
  });

  it('is used in the version it is stored in, unless that is not served', () => {
    const old = { ...v1, name: 'v1beta1', storage: false };
    expect(customKindOf(crd([old, v1]))?.version).toBe('v1');
    expect(customKindOf(crd([old, { ...v1, served: false }]))?.version).toBe('v1beta1');
    expect(customKindOf(crd([{ ...v1, served: false }]))).toBeUndefined();
    expect(customKindOf(crd([v1], {}))).toBeUndefined();
  });
});
