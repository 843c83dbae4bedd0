import { defineStore } from 'pinia';
import { shallowRef, triggerRef } from 'vue';
import type { ParamsOf, Permission } from '@shared/bridge/contract';
import { useBridge } from '@/bridge';

export type Check = ParamsOf<'kube.permissions'>['checks'][number];

const FRESH = 60_000;
const MOST = 100;

/** What the user may do, asked for once a minute at most. Unknown counts as allowed: the API has the last word. */
export const usePermissionStore = defineStore('permissions', () => {
  const known = shallowRef(new Map<string, { permission: Permission; at: number }>());
  const asked = new Map<string, { cluster: string; check: Check }>();

  /** The answer if it is known; asks for it otherwise. Reactive. */
  function may(cluster: string, check: Check): Permission | undefined {
    const key = JSON.stringify([cluster, check]);
    const entry = known.value.get(key);
    if (!entry || Date.now() - entry.at > FRESH) {
      if (!asked.size) queueMicrotask(() => void ask());
      asked.set(key, { cluster, check });
    }
    return entry?.permission;
  }

  async function ask(): Promise<void> {
    const wanted = [...asked];
    asked.clear();
    for (const cluster of new Set(wanted.map(([, { cluster }]) => cluster))) {
      const entries = wanted.filter(([, entry]) => entry.cluster === cluster);
      for (let at = 0; at < entries.length; at += MOST) await askSome(cluster, entries.slice(at, at + MOST));
    }
  }

  async function askSome(cluster: string, entries: [string, { check: Check }][]): Promise<void> {
    const answers = await useBridge()
      .call('kube.permissions', { cluster, checks: entries.map(([, { check }]) => check) })
      .catch((): Permission[] => []);
    for (const [index, [key]] of entries.entries()) {
      // A failed question is not asked again at once.
      known.value.set(key, { permission: answers[index] ?? { allowed: true }, at: Date.now() });
    }
    triggerRef(known);
  }

  return { may };
});
