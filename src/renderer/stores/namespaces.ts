import { defineStore } from 'pinia';
import { computed } from 'vue';
import { rowsOf, useRows } from '@/table/use-rows';
import { useAppStore } from './app';
import { useSettingsStore } from './settings';

/** The namespaces of the cluster in sight and which of them the user looks at. */
export const useNamespaceStore = defineStore('namespaces', () => {
  const app = useAppStore();
  const settings = useSettingsStore();
  const live = useRows(() => (app.clusterId ? { cluster: app.clusterId, kind: 'namespaces' } : undefined));

  const all = computed(() =>
    rowsOf(live.value)
      .map((row) => row.name)
      .toSorted(),
  );
  /** Empty: all. Names that no longer exist are left out once the list is known. */
  const chosen = computed(() => {
    const names = settings.settings.namespaces[app.clusterId] ?? [];
    if (live.value?.freshness.state !== 'live') return names;
    const known = new Set(all.value);
    return names.filter((name) => known.has(name));
  });
  /** Where new objects go that name no namespace. */
  const target = computed(() =>
    chosen.value.length === 1 ? chosen.value[0]! : (app.cluster?.defaultNamespace ?? 'default'),
  );

  function choose(names: string[]): void {
    void settings.set({ namespaces: { ...settings.settings.namespaces, [app.clusterId]: names } });
  }
  function toggle(name: string): void {
    choose(
      chosen.value.includes(name) ? chosen.value.filter((other) => other !== name) : [...chosen.value, name].toSorted(),
    );
  }

  return { live, all, chosen, target, choose, toggle };
});
