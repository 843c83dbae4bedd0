export { openHistoryFile } from './history-file';
export { createMetrics } from './metrics';
export type { Metrics, MetricsNode, MetricsTarget, Series, VolumeUsage } from './metrics';
export { createMonitoring, gauge, one, queueFamilies, schedulerFamilies, storeFamilies } from './prometheus';
