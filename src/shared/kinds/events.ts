import type { Event } from '../k8s';
import { status } from './helpers';
import { defineKindView } from './types';

/** When an event was last seen; the field depends on who reported it. */
export function lastSeen(event: Event): string {
  return (
    event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? ''
  );
}

export const events = defineKindView<Event>({
  id: 'events',
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
  section: 'cluster',
  order: 30,
  icon: 'ScrollText',
  columns: [
    { id: 'lastSeen', renderer: 'age', width: 90, value: lastSeen },
    { id: 'reason', renderer: 'text', width: 124, value: (object) => object.reason ?? '' },
    {
      id: 'involved',
      renderer: 'text',
      width: 200,
      value: (object) => `${object.involvedObject?.kind ?? ''}/${object.involvedObject?.name ?? ''}`,
    },
    { id: 'message', renderer: 'text', width: 240, flex: true, value: (object) => object.message ?? '' },
    {
      id: 'count',
      renderer: 'number',
      width: 70,
      align: 'end',
      value: (object) => object.series?.count ?? object.count ?? 1,
    },
    {
      id: 'source',
      renderer: 'text',
      width: 170,
      optional: true,
      value: (object) => object.source?.component ?? object.reportingComponent ?? '',
    },
  ],
  hidden: ['name', 'age'],
  statusWidth: 92,
  defaultSort: { column: 'lastSeen' },
  status: (object) => status(object.type ?? 'Normal', object.type === 'Warning' ? 'warn' : 'neutral'),
  facts: (object) => ({
    involvedKind: object.involvedObject?.kind ?? '',
    involvedApiVersion: object.involvedObject?.apiVersion ?? '',
    involvedName: object.involvedObject?.name ?? '',
    involvedNamespace: object.involvedObject?.namespace ?? '',
    involvedUid: object.involvedObject?.uid ?? '',
  }),
  capabilities: {},
});
