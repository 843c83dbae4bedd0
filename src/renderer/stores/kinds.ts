import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { kindView, kindViewOf, kindViews } from '@shared/kinds';
import { customKindView } from '@shared/kinds/custom';
import type { KindView } from '@shared/kinds/types';
import { useBridge } from '@/bridge';
import { useAppStore } from './app';

/** Every kind of the cluster in sight: those the window knows, and those the cluster's definitions add. */
export const useKindStore = defineStore('kinds', () => {
  const app = useAppStore();
  const custom = shallowRef<readonly KindView[]>([]);
  /** Whether the cluster has told its own kinds. */
  const known = ref(false);
  /** A definition that stayed the same keeps its view: pages compare them. */
  let made = new Map<string, KindView>();
  let close = (): void => {};

  watch(
    () => app.clusterId,
    (cluster) => {
      close();
      close = () => {};
      custom.value = [];
      made = new Map();
      known.value = false;
      if (!cluster) return;
      const handle = useBridge().open(
        'customKinds',
        { cluster },
        {
          data(kinds) {
            const views = kinds.map((kind) => {
              const key = JSON.stringify(kind);
              return [key, made.get(key) ?? customKindView(kind)] as const;
            });
            made = new Map(views);
            custom.value = views.map(([, view]) => view);
            known.value = true;
          },
          end: () => (known.value = true),
        },
      );
      close = () => handle.close();
    },
    { immediate: true },
  );

  const all = computed(() => [...kindViews, ...custom.value]);
  const find = (id: string): KindView | undefined => kindView(id) ?? custom.value.find((view) => view.id === id);
  /** The view of an object's `apiVersion` and `kind`. */
  function findOf(apiVersion: string, kind: string): KindView | undefined {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
    return kindViewOf(apiVersion, kind) ?? custom.value.find((view) => view.group === group && view.kind === kind);
  }

  return { custom, known, all, find, findOf };
});
