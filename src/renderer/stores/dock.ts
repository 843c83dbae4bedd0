import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import type { ResourceRef } from '@/lib/resource';

export type DockTabType = 'logs' | 'terminal' | 'exec' | 'create' | 'edit';

/** What a tab's panel needs to do its work. */
export interface DockParams {
  logs: { cluster: string; namespace: string; pods: string[]; container?: string; previous?: boolean };
  terminal: { cluster: string; session?: string };
  exec: { cluster: string; namespace: string; pod: string; container?: string; containers?: string[] };
  create: { cluster: string; namespace?: string; yaml?: string };
  edit: { cluster: string; resource: ResourceRef; kind: string; namespace?: string; name: string };
}

export type DockTab<T extends DockTabType = DockTabType> = {
  [K in T]: { id: string; type: K; title: string; params: DockParams[K] };
}[T];

type Mode = 'closed' | 'open' | 'maximised' | 'minimised';

const HEIGHT = 'gantry.dock.height';
const SMALLEST = 140;

/** The tabs at the bottom of the window: logs, terminals, shells and editors. */
export const useDockStore = defineStore('dock', () => {
  const tabs = ref<DockTab[]>([]);
  const activeId = ref<string>();
  const mode = ref<Mode>('closed');
  const height = ref(Number(localStorage.getItem(HEIGHT)) || 340);
  const active = computed(() => tabs.value.find((tab) => tab.id === activeId.value));
  let count = 0;
  /** Asked before a tab closes; false keeps it. */
  const guards = new Map<string, () => boolean | Promise<boolean>>();

  watch(height, (value) => localStorage.setItem(HEIGHT, String(value)));

  /** Opens a tab, or shows the one that already does the same. */
  function open<T extends DockTabType>(type: T, title: string, params: DockParams[T], reuse = true): string {
    const key = JSON.stringify(params);
    const same = reuse && tabs.value.find((tab) => tab.type === type && JSON.stringify(tab.params) === key);
    if (same) return activate(same.id);
    const tab = { id: `${type}-${++count}`, type, title, params } as unknown as DockTab;
    tabs.value.push(tab);
    return activate(tab.id);
  }

  /** Brings a tab to the front and the dock into sight. */
  function activate(id: string): string {
    activeId.value = id;
    if (mode.value !== 'maximised') mode.value = 'open';
    return id;
  }

  /** Closes a tab unless its guard refuses. */
  async function close(id: string): Promise<void> {
    if ((await guards.get(id)?.()) === false) return;
    const index = tabs.value.findIndex((tab) => tab.id === id);
    if (index < 0) return;
    guards.delete(id);
    tabs.value.splice(index, 1);
    if (activeId.value === id) activeId.value = tabs.value[Math.min(index, tabs.value.length - 1)]?.id;
    if (!tabs.value.length) mode.value = 'closed';
  }

  /** Registers a question to ask before the tab closes (unsaved text, a running command). Answers the removal. */
  function guard(id: string, ask: () => boolean | Promise<boolean>): () => void {
    guards.set(id, ask);
    return () => guards.delete(id);
  }

  function rename(id: string, title: string): void {
    const tab = tabs.value.find((candidate) => candidate.id === id);
    if (tab) tab.title = title;
  }

  function minimise(): void {
    mode.value = mode.value === 'minimised' ? 'open' : 'minimised';
  }
  function maximise(): void {
    mode.value = mode.value === 'maximised' ? 'open' : 'maximised';
  }
  function setHeight(pixels: number): void {
    height.value = Math.round(Math.max(SMALLEST, Math.min(pixels, window.innerHeight - 140)));
  }

  return {
    tabs,
    activeId,
    active,
    mode,
    height,
    activate,
    close,
    guard,
    rename,
    minimise,
    maximise,
    setHeight,
    openLogs: (params: DockParams['logs'], title: string) => open('logs', title, params),
    openExec: (params: DockParams['exec'], title: string) => open('exec', title, params, false),
    openTerminal: (params: DockParams['terminal'], title: string) => open('terminal', title, params, false),
    openCreate: (params: DockParams['create'], title: string) => open('create', title, params, false),
    openEdit: (params: DockParams['edit'], title: string) => open('edit', title, params),
  };
});
