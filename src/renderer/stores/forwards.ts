import { defineStore } from 'pinia';
import { ref, watch } from 'vue';
import type { PortForward } from '@shared/bridge/contract';
import { useBridge } from '@/bridge';
import { useAppStore } from './app';

/** The ports of this machine that lead into the cluster in sight. */
export const useForwardStore = defineStore('forwards', () => {
  const app = useAppStore();
  const list = ref<PortForward[]>([]);
  let close = (): void => {};

  watch(
    () => app.clusterId,
    (cluster) => {
      close();
      close = () => {};
      list.value = [];
      if (!cluster) return;
      const handle = useBridge().open('portForwards', { cluster }, { data: (forwards) => (list.value = forwards) });
      close = () => handle.close();
    },
    { immediate: true },
  );

  return { list };
});
