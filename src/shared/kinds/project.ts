import type { KubeObject } from '../k8s';
import type { KindView, ProjectionContext, Row } from './types';

/** An object as the row of its kind's table. */
export function projectRow<T extends KubeObject>(view: KindView<T>, object: T, context: ProjectionContext = {}): Row {
  const meta = object.metadata ?? {};
  const cells: Row['cells'] = {};
  for (const column of view.columns) cells[column.id] = column.value(object, context);
  const status = view.status?.(object);
  const texts = [meta.name, meta.namespace, status?.text, view.search?.(object)];
  for (const value of Object.values(cells)) if (typeof value === 'string') texts.push(value);
  return {
    uid: meta.uid ?? `${meta.namespace ?? ''}/${meta.name}`,
    name: meta.name ?? '',
    ...(meta.namespace ? { namespace: meta.namespace } : {}),
    resourceVersion: meta.resourceVersion ?? '',
    createdAt: (meta.creationTimestamp as unknown as string) ?? '',
    ...(meta.deletionTimestamp ? { deletedAt: meta.deletionTimestamp as unknown as string } : {}),
    ...(status ? { status } : {}),
    cells,
    search: texts.filter(Boolean).join(' ').toLowerCase(),
    ...(meta.labels ? { labels: meta.labels as Record<string, string> } : {}),
    ...(view.facts ? { facts: view.facts(object) } : {}),
  };
}
