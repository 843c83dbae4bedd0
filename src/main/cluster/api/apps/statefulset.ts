import type { StatefulSet } from '@shared/k8s';
import { defaultClaim } from '../core/persistentvolumeclaim';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, selectorString, templateColumns, text } from '../printing';
import { setDefault, specAndStatus } from '../strategy';
import { differences } from '../validation/differences';
import { forbidden, invalid, nonNegative, notSupported, required } from '../validation/field';
import { amount, validateAtMostAll, validateIntOrPercent, type IntOrPercent } from '../validation/int-or-percent';
import { defaultTemplate } from './defaults';
import { validateCounts, validateSelectorAndTemplate } from './validation';

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  ...specAndStatus,
  defaults(object) {
    const spec = object.spec;
    if (!spec) return;
    setDefault(spec, 'podManagementPolicy', 'OrderedReady');
    const strategy = (spec.updateStrategy ??= {});
    if (!strategy.type) {
      strategy.type = 'RollingUpdate';
      strategy.rollingUpdate ??= {};
    }
    if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) setDefault(strategy.rollingUpdate, 'partition', 0);
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    setDefault(retention, 'whenDeleted', 'Retain');
    setDefault(retention, 'whenScaled', 'Retain');
    setDefault(spec, 'replicas', 1);
    setDefault(spec, 'revisionHistoryLimit', 10);
    defaultTemplate(spec.template);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      setDefault(claim, 'apiVersion', 'v1');
      setDefault(claim, 'kind', 'PersistentVolumeClaim');
      defaultClaim(claim);
    }
  },
  prepareForCreate(object) {
    object.status = { replicas: 0, availableReplicas: 0 };
    object.metadata.generation = 1;
  },
  validate(object) {
    const spec = object.spec ?? ({} as NonNullable<StatefulSet['spec']>);
    return [
      ...validatePolicies(spec),
      ...validateCounts(spec, 'replicas', 'minReadySeconds', 'revisionHistoryLimit'),
      ...nonNegative('spec.ordinals.start', spec.ordinals?.start),
      ...validateSelectorAndTemplate({ ...spec, template: templateWithClaims(spec) }, 'StatefulSet'),
    ];
  },
  validateUpdate(object, old) {
    const rest = (spec: object | undefined) =>
      Object.fromEntries(Object.entries(spec ?? {}).filter(([key]) => !changeable.includes(key)));
    return differences(rest(old.spec), rest(object.spec), '').length > 0
      ? [
          forbidden(
            'spec',
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
          ),
        ]
      : [];
  },
  columns: [
    text(
      'Ready',
      'Ready pods of those wanted',
      (object) => `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    ),
    ageColumn,
    ...templateColumns.slice(0, 2),
  ],
  scale: {
    specReplicas: (object) => object.spec?.replicas ?? 0,
    setSpecReplicas: (object, replicas) => void (object.spec!.replicas = replicas),
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorString(object.spec?.selector),
  },
});

/** The template as its pods will be: with a volume for every claim, so that containers may mount it. */
function templateWithClaims({ template, volumeClaimTemplates = [] }: NonNullable<StatefulSet['spec']>) {
  if (!template?.spec || volumeClaimTemplates.length === 0) return template;
  const names = volumeClaimTemplates.map((claim) => claim.metadata?.name ?? '');
  const volumes = [
    ...names.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
    ...(template.spec.volumes ?? []).filter(({ name }) => !names.includes(name)),
  ];
  return { ...template, spec: { ...template.spec, volumes } };
}

function validatePolicies(spec: NonNullable<StatefulSet['spec']>): FieldError[] {
  const errors: FieldError[] = [];
  const { podManagementPolicy: management, updateStrategy: strategy = {} } = spec;
  if (management && !['OrderedReady', 'Parallel'].includes(management)) {
    errors.push(invalid('spec.podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'"));
  }
  if (!strategy.type) errors.push(required('spec.updateStrategy'));
  else if (strategy.type === 'OnDelete' && strategy.rollingUpdate) {
    errors.push(
      invalid(
        'spec.updateStrategy.rollingUpdate',
        strategy.rollingUpdate,
        "only allowed for updateStrategy 'RollingUpdate'",
      ),
    );
  } else if (!['RollingUpdate', 'OnDelete'].includes(strategy.type)) {
    errors.push(invalid('spec.updateStrategy', strategy, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  errors.push(...nonNegative('spec.updateStrategy.rollingUpdate.partition', strategy.rollingUpdate?.partition));
  const unavailable = strategy.rollingUpdate?.maxUnavailable as IntOrPercent;
  const at = 'spec.updateStrategy.rollingUpdate.maxUnavailable';
  errors.push(...validateIntOrPercent(unavailable, at), ...validateAtMostAll(unavailable, at));
  if (unavailable !== undefined && amount(unavailable) === 0) errors.push(invalid(at, unavailable, 'cannot be 0'));
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const policy = spec.persistentVolumeClaimRetentionPolicy?.[field];
    if (policy && !['Retain', 'Delete'].includes(policy)) {
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy, ['Delete', 'Retain']));
    }
  }
  return errors;
}
