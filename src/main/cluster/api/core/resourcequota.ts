import type { ResourceQuota } from '@shared/k8s';
import { canonicalQuantity, isQuantity, parseQuantity } from '@shared/quantity';
import { defineKind, type FieldError } from '../kind';
import { validateQuantity } from '../pod/validation/resources';
import { ageColumn, text } from '../printing';
import { specAndStatusUncounted } from '../strategy';
import { differences } from '../validation/differences';
import { immutableMessage, invalid, invalidEach, notSupported } from '../validation/field';
import { qualifiedName } from '../validation/strings';

const scopes = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];

const standard = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);

export const resourceQuota = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  ...specAndStatusUncounted,
  defaults(object) {
    for (const [name, quantity] of Object.entries(object.spec?.hard ?? {})) {
      if (isQuantity(quantity)) object.spec!.hard![name] = canonicalQuantity(quantity);
    }
  },
  validate: (object) => [
    ...Object.entries(object.spec?.hard ?? {}).flatMap(([name, quantity]) => validateHard(name, quantity)),
    ...(object.spec?.scopes ?? [])
      .filter((scope) => !scopes.includes(scope))
      .map(() => invalid('spec.scopes', object.spec!.scopes, 'unsupported scope')),
    ...(object.spec?.scopeSelector?.matchExpressions ?? []).flatMap((expression, index) =>
      scopes.includes(expression.scopeName)
        ? []
        : [notSupported(`spec.scopeSelector.matchExpressions[${index}].scopeName`, expression.scopeName, scopes)],
    ),
  ],
  validateUpdate: (object, old) =>
    differences(old.spec?.scopes, object.spec?.scopes, '').length > 0
      ? [invalid('spec.scopes', object.spec?.scopes ?? null, immutableMessage)]
      : [],
  columns: [
    text('Request', 'What is used of what may be asked for', (object) => usage(object, (name) => !isLimit(name))),
    text('Limit', 'What is used of what containers may be limited to', (object) => usage(object, isLimit)),
    ageColumn,
  ],
});

function validateHard(name: string, quantity: string): FieldError[] {
  const path = `spec.hard[${name}]`;
  const errors = invalidEach(path, name, qualifiedName(name));
  if (errors.length === 0 && !name.includes('/') && !standard.has(name) && !/^(requests\.)?hugepages-/.test(name)) {
    errors.push(invalid(path, name, 'must be a standard resource for quota'));
  }
  errors.push(...validateQuantity(quantity, path));
  if (errors.length === 0 && isCount(name) && !Number.isInteger(Number(parseQuantity(quantity)))) {
    errors.push(invalid(path, quantity, 'must be an integer'));
  }
  return errors;
}

/** Whether objects are counted, not what they take. */
const isCount = (name: string): boolean =>
  name.startsWith('count/') || counted.has(name) || name.startsWith('services.');

const counted = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

const isLimit = (name: string): boolean => name.startsWith('limits.');

function usage(object: ResourceQuota, wanted: (name: string) => boolean): string {
  return Object.entries(object.status?.hard ?? {})
    .filter(([name]) => wanted(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${object.status?.used?.[name] ?? '0'}/${hard}`)
    .join(', ');
}
