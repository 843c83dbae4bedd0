import type { PodTemplateSpec } from '@shared/k8s';
import { expect, it } from 'vitest';
import { sameTemplate, templateHash } from './template';

const template = (spec: object, labels: Record<string, string> = { app: 'web' }) =>
  ({ metadata: { labels }, spec }) as unknown as PodTemplateSpec;

it('hashes what the pods are made of, not how it is written', () => {
  const one = template({ containers: [{ name: 'a', image: 'b' }], nodeSelector: {} });
  const two = template(
    { tolerations: [], containers: [{ image: 'b', name: 'a' }] },
    { 'pod-template-hash': 'x', app: 'web' },
  );
  expect(sameTemplate(one, two)).toBe(true);
  expect(templateHash(one)).toBe(templateHash(two));
  expect(templateHash(one)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
});

it('tells different templates and collisions apart', () => {
  const one = template({ containers: [{ name: 'a', image: 'b' }] });
  expect(sameTemplate(one, template({ containers: [{ name: 'a', image: 'c' }] }))).toBe(false);
  expect(
    sameTemplate(one, template({ containers: [{ name: 'a', image: 'b' }], volumes: [{ name: 'v', emptyDir: {} }] })),
  ).toBe(false);
  expect(templateHash(one, 1)).not.toBe(templateHash(one));
  expect(templateHash(one, 0)).toBe(templateHash(one));
});
