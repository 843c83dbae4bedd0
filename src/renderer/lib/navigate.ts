import type { LocationQueryRaw } from 'vue-router';
import type { KindView } from '@shared/kinds/types';
import { router } from '@/router';
import { useKindStore } from '@/stores/kinds';

/** What the drawer shows. */
export interface Detail {
  view: KindView;
  namespace?: string;
  name: string;
}

/** `detail` of the query, read. */
export function parseDetail(text: unknown): Detail | undefined {
  if (typeof text !== 'string') return undefined;
  const [kind, namespace, name] = text.split('/');
  const view = useKindStore().find(kind ?? '');
  return view && name ? { view, name, ...(namespace ? { namespace } : {}) } : undefined;
}

export function detailText(kind: string, name: string, namespace?: string): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

/** Opens the drawer over the page in sight. */
export function openDetail(cluster: string, kind: string, name: string, namespace?: string): void {
  const route = router.currentRoute.value;
  const query: LocationQueryRaw = { ...route.query, detail: detailText(kind, name, namespace) };
  const inCluster = route.params['cluster'] === cluster;
  void router.push(inCluster ? { query } : { name: 'list', params: { cluster, kind }, query });
}

export function closeDetail(): void {
  const { detail: _, ...query } = router.currentRoute.value.query;
  void router.push({ query });
}
