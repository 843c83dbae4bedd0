import { onScopeDispose, shallowRef, watch } from 'vue';
import type { Freshness } from '@shared/bridge/contract';
import type { BridgeError } from '@shared/bridge/protocol';
import type { KubeObject } from '@shared/k8s';
import { useBridge } from '@/bridge';
import type { Detail } from '@/lib/navigate';
import { resourceOf } from '@/lib/resource';

/** The live object of a drawer. `object` is null once it is gone and undefined until it is known. */
export function useObject(cluster: () => string, detail: () => Detail) {
  const object = shallowRef<KubeObject | null>();
  /** The object as it was last, for when it is gone. */
  const last = shallowRef<KubeObject>();
  const freshness = shallowRef<Freshness>();
  const error = shallowRef<BridgeError>();
  let close = (): void => {};

  function open(): void {
    close();
    object.value = undefined;
    last.value = undefined;
    error.value = undefined;
    freshness.value = { state: 'loading', since: Date.now() };
    const { view, namespace, name } = detail();
    const handle = useBridge().open(
      'object',
      { cluster: cluster(), resource: resourceOf(view), namespace, name },
      {
        data: (update) => {
          object.value = update.object;
          last.value = update.object ?? last.value;
          freshness.value = update.freshness;
        },
        end: (reason) => (error.value = reason),
      },
    );
    close = () => handle.close();
  }

  watch(() => JSON.stringify([cluster(), detail().view.id, detail().namespace, detail().name]), open, {
    immediate: true,
  });
  onScopeDispose(() => close());
  return { object, last, freshness, error, retry: open };
}
