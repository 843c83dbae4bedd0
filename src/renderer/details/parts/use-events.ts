import type { ShallowRef } from 'vue';
import type { KubeObject } from '@shared/k8s';
import type { Row } from '@shared/kinds/types';
import type { LiveRows } from '@/table/live-rows';
import { useRows } from '@/table/use-rows';

/** The events about an object, live. */
export function useEvents(of: () => { cluster: string; object: KubeObject }): ShallowRef<LiveRows | undefined> {
  return useRows(() => {
    const { cluster, object } = of();
    const { namespace, uid } = object.metadata ?? {};
    return {
      cluster,
      kind: 'events',
      // Events about cluster-wide objects are kept in the default namespace.
      namespaces: [namespace ?? 'default'],
      fieldSelector: `involvedObject.uid=${uid}`,
    };
  });
}

/** The latest first; of one second, the one written last. */
export function latestFirst(events: readonly Row[]): Row[] {
  return events.toSorted(
    (a, b) =>
      String(b.cells['lastSeen']).localeCompare(String(a.cells['lastSeen'])) ||
      Number(b.resourceVersion) - Number(a.resourceVersion),
  );
}
