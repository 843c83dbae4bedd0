import type { RuntimeClass } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, text } from '../printing';
import { immutableMessage, invalid, invalidEach, required } from '../validation/field';
import { dnsLabel } from '../validation/strings';

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  validate: ({ handler }) => (handler ? invalidEach('handler', handler, dnsLabel(handler)) : [required('handler')]),
  validateUpdate: (object, old) =>
    object.handler === old.handler ? [] : [invalid('handler', object.handler, immutableMessage)],
  columns: [text('Handler', 'What runs its pods', (object) => object.handler ?? ''), ageColumn],
});
