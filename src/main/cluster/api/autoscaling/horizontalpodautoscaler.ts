import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerV1 } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, integer, text } from '../printing';
import { keepAllButStatus, keepStatus, setDefault } from '../strategy';
import { fromV1, toV1 } from './conversion';
import { formatTargets } from './metrics';
import { validateAutoscaler } from './validation';

const names = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
};

export const horizontalPodAutoscaler = defineKind<HorizontalPodAutoscaler>({
  ...names,
  version: 'v2',
  status: true,
  defaults: defaultAutoscaler,
  prepareForCreate(object) {
    object.status = { desiredReplicas: 0 };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepAllButStatus,
  validate: validateAutoscaler,
  columns: [
    text(
      'Reference',
      'What it scales',
      (object) => `${object.spec?.scaleTargetRef?.kind ?? ''}/${object.spec?.scaleTargetRef?.name ?? ''}`,
    ),
    text('Targets', 'What it measures, and what that should be', formatTargets),
    text('MinPods', 'The fewest pods', (object) => String(object.spec?.minReplicas ?? '<unset>')),
    integer('MaxPods', 'The most pods', (object) => object.spec?.maxReplicas ?? 0),
    integer('Replicas', 'The pods there are', (object) => object.status?.currentReplicas ?? 0),
    ageColumn,
  ],
});

/** The older version, a view of the same objects. What it has no fields for is kept in annotations. */
export const horizontalPodAutoscalerV1 = defineKind<HorizontalPodAutoscalerV1>({
  ...names,
  version: 'v1',
  status: true,
  defaults(object) {
    if (object.spec) setDefault(object.spec, 'minReplicas', 1);
  },
  prepareForCreate(object) {
    object.status = { currentReplicas: 0, desiredReplicas: 0 };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepAllButStatus,
  validate: (object) => validateAutoscaler(fromV1(object) as HorizontalPodAutoscaler),
  columns: horizontalPodAutoscaler.columns.map((column) => ({
    ...column,
    cell: (object, now) => column.cell(fromV1(object) as HorizontalPodAutoscaler, now),
  })),
  storedAs: {
    group: names.group,
    version: 'v2',
    plural: names.plural,
    fromStorage: toV1,
    toStorage(object) {
      const stored = fromV1(object) as HorizontalPodAutoscaler;
      defaultAutoscaler(stored);
      return stored;
    },
  },
});

function defaultAutoscaler(object: HorizontalPodAutoscaler): void {
  const spec = object.spec;
  if (!spec) return;
  setDefault(spec, 'minReplicas', 1);
  if (!spec.metrics?.length) {
    spec.metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
    ];
  }
  if (!spec.behavior) return;
  spec.behavior = {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
      ...spec.behavior.scaleUp,
    },
    scaleDown: {
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      ...spec.behavior.scaleDown,
    },
  };
}
