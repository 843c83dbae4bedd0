import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type { AppInfo, ClusterSummary, EngineStatus, Task } from '@shared/bridge/contract';
import { useBridge, type ConnectionState } from '@/bridge';

/** What holds for the whole window: the connection, the clusters, the engine and what is under way. */
export const useAppStore = defineStore('app', () => {
  const connection = ref<ConnectionState>('connecting');
  const connectionMessage = ref<string>();
  const info = shallowRef<AppInfo>();
  const clusters = shallowRef<ClusterSummary[]>();
  const engine = shallowRef<EngineStatus>();
  const tasks = shallowRef<Task[]>([]);
  const runningTasks = computed(() => tasks.value.filter((task) => task.state === 'running'));
  const clusterId = ref('');
  const cluster = computed(() => clusters.value?.find((candidate) => candidate.id === clusterId.value));
  const engineMissing = computed(
    () =>
      cluster.value?.kind === 'embedded' &&
      engine.value !== undefined &&
      !engine.value.reachable &&
      engine.value.runtime !== 'simulated',
  );
  const simulated = computed(() => cluster.value?.simulated === true);

  /** Opens the streams that run as long as the window. */
  function start(): void {
    const bridge = useBridge();
    bridge.onState((state, message) => {
      connection.value = state;
      connectionMessage.value = message;
      if (state === 'open' && !info.value) void loadInfo();
    });
    connection.value = bridge.state;
    if (bridge.state === 'open') void loadInfo();
    bridge.open('clusters', undefined, { data: (list) => (clusters.value = list) });
    bridge.open('engine', undefined, { data: (status) => (engine.value = status) });
    bridge.open('tasks', undefined, { data: (list) => (tasks.value = list) });
  }

  async function loadInfo(): Promise<void> {
    info.value = await useBridge()
      .call('app.info')
      .catch(() => undefined);
  }

  return {
    connection,
    connectionMessage,
    info,
    clusters,
    clusterId,
    cluster,
    engine,
    engineMissing,
    simulated,
    tasks,
    runningTasks,
    start,
  };
});
