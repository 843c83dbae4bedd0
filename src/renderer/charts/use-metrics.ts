import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { MetricSeries, ParamsOf } from '@shared/bridge/contract';
import { useBridge } from '@/bridge';
import { toBridgeError } from '@/lib/errors';

export type MetricsParams = ParamsOf<'metrics.series'>;
const EVERY = 3_000;

/** Usage over time, asked for every few seconds while the page is in sight. */
export function useMetrics(params: () => MetricsParams | undefined): ShallowRef<MetricSeries | undefined> {
  const series = shallowRef<MetricSeries>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let round = 0;
  let shown = '';

  async function poll(own: number, wanted: MetricsParams): Promise<void> {
    if (!document.hidden) {
      const answer = await useBridge()
        .call('metrics.series', wanted)
        .catch((error: unknown): MetricSeries => ({
          points: series.value?.points ?? [],
          unavailable: toBridgeError(error).message,
        }));
      if (own !== round) return;
      series.value = answer;
    }
    timer = setTimeout(() => void poll(own, wanted), EVERY);
  }

  watch(
    () => JSON.stringify(params()),
    (text) => {
      clearTimeout(timer);
      // Another range of the same leaves what is there until its points come.
      const { seconds: _, ...what } = (text ? JSON.parse(text) : {}) as Partial<MetricsParams>;
      if (JSON.stringify(what) !== shown) series.value = undefined;
      shown = JSON.stringify(what);
      round += 1;
      if (text) void poll(round, JSON.parse(text) as MetricsParams);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    clearTimeout(timer);
    round += 1;
  });
  return series;
}
