import type { Secret } from '@shared/k8s';
import { defineKind } from '../kind';
import { immutableMessage, invalid } from '../validation/field';
import { validateImmutable, validateKeys, validateSize } from './data';
import { validateSecretType } from './secret-types';
import { ageColumn, integer, text } from '../printing';
import { setDefault } from '../strategy';

export const secret = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  defaults(object) {
    setDefault(object, 'type', 'Opaque');
    if (!object.stringData) return;
    object.data = { ...object.data };
    for (const [key, value] of Object.entries(object.stringData)) {
      object.data[key] = Buffer.from(value, 'utf8').toString('base64');
    }
    delete object.stringData;
  },
  validate: (object) => [
    ...validateKeys(object.data, 'data'),
    ...validateSize('data', undefined, object.data),
    ...validateSecretType(object),
  ],
  validateUpdate: (object, old) => [
    ...(object.type === old.type ? [] : [invalid('type', object.type, immutableMessage)]),
    ...validateImmutable(object, old, ['data']),
  ],
  columns: [
    text('Type', 'What the secret is for', (object) => object.type ?? ''),
    integer('Data', 'How many entries it holds', (object) => Object.keys(object.data ?? {}).length),
    ageColumn,
  ],
  fieldSelectors: { type: (object) => object.type ?? '' },
});
