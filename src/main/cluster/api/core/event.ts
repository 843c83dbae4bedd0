import { humanAge } from '@shared/duration';
import type { Event } from '@shared/k8s';
import { defineKind } from '../kind';
import { invalid } from '../validation/field';
import { text, wide } from '../printing';

const involved = (
  field: 'kind' | 'namespace' | 'name' | 'uid' | 'apiVersion' | 'resourceVersion' | 'fieldPath',
): ((object: Event) => string) => {
  return (object) => object.involvedObject?.[field] ?? '';
};

export const event = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  nameColumn: false,
  validate(object) {
    const about = object.involvedObject?.namespace;
    const own = object.metadata.namespace ?? '';
    // Events about cluster-wide objects live in these two namespaces.
    const matches = about ? about === own : own === 'default' || own === 'kube-system';
    return matches ? [] : [invalid('involvedObject.namespace', about ?? '', 'does not match event.namespace')];
  },
  columns: [
    text('Last Seen', 'When it happened last', lastSeen),
    text('Type', 'Normal or Warning', (object) => object.type ?? ''),
    text('Reason', 'Why, in one word', (object) => object.reason ?? ''),
    text('Object', 'What it is about', target),
    wide('Subobject', 'The part of the object it is about', (object) => object.involvedObject?.fieldPath ?? ''),
    wide('Source', 'Who reported it', source),
    text('Message', 'What happened', (object) => (object.message ?? '').trim()),
    wide('First Seen', 'When it happened first', firstSeen),
    wide('Count', 'How often it happened', (object) => String(object.series?.count ?? (object.count || 1))),
    wide('Name', 'The name of the event', (object) => object.metadata.name),
  ],
  fieldSelectors: {
    'involvedObject.kind': involved('kind'),
    'involvedObject.namespace': involved('namespace'),
    'involvedObject.name': involved('name'),
    'involvedObject.uid': involved('uid'),
    'involvedObject.apiVersion': involved('apiVersion'),
    'involvedObject.resourceVersion': involved('resourceVersion'),
    'involvedObject.fieldPath': involved('fieldPath'),
    reason: (object) => object.reason ?? '',
    reportingComponent: (object) => object.reportingComponent || '',
    source: (object) => object.source?.component || object.reportingComponent || '',
    type: (object) => object.type ?? '',
  },
});

function firstSeen(object: Event, now: number): string {
  return humanAge(object.firstTimestamp || object.eventTime, now);
}

function lastSeen(object: Event, now: number): string {
  if (object.series) return humanAge(object.series.lastObservedTime, now);
  return object.lastTimestamp ? humanAge(object.lastTimestamp, now) : firstSeen(object, now);
}

function target(object: Event): string {
  const { kind = '', name } = object.involvedObject ?? {};
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function source(object: Event): string {
  const component = object.source?.component || object.reportingComponent || '';
  const host = object.source?.host || object.reportingInstance || '';
  return host ? `${component}, ${host}` : component;
}
