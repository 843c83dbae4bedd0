import type { KubeObject } from '@shared/k8s';
import { projectRow } from '@shared/kinds/project';
import type { KindView, Row } from '@shared/kinds/types';
import type { ActionTarget } from '@/actions';
import { useAppStore } from '@/stores/app';

/** Rows as what an action works on. */
export function rowTarget(cluster: string, view: KindView, items: Row[]): ActionTarget {
  const summary = useAppStore().clusters?.find((candidate) => candidate.id === cluster);
  return { cluster, clusterName: summary?.name ?? cluster, view, items };
}

/** An object as what an action works on. */
export function objectTarget(cluster: string, view: KindView, object: KubeObject): ActionTarget {
  return rowTarget(cluster, view, [projectRow(view, object)]);
}
