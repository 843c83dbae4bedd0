import type { Event as CoreEvent, KubeObject } from '@shared/k8s';
import { event as coreEvent } from '../core/event';
import { defineKind } from '../kind';

/** The names of fields here and in core/v1. */
const names: [string, string][] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const renamed = (object: KubeObject, apiVersion: string, pairs: [string, string][]): KubeObject => {
  const to = new Map(pairs);
  const fields = Object.entries(object).map(([name, value]) => [to.get(name) ?? name, value]);
  return { ...Object.fromEntries(fields), apiVersion };
};

const toCore = (object: KubeObject): CoreEvent => renamed(object, 'v1', names) as CoreEvent;
const fromCore = (object: KubeObject): KubeObject =>
  renamed(
    object,
    'events.k8s.io/v1',
    names.map(([here, there]) => [there, here]),
  );

/** The same events as core/v1 has, with newer names. */
export const event = defineKind({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  nameColumn: false,
  validate: (object) => coreEvent.validate!(toCore(object)),
  columns: coreEvent.columns.map((column) => ({ ...column, cell: (object, now) => column.cell(toCore(object), now) })),
  fieldSelectors: Object.fromEntries(
    Object.entries(coreEvent.fieldSelectors!).map(([path, value]) => [
      path.replace(/^involvedObject\./, 'regarding.').replace(/^reportingComponent$/, 'reportingController'),
      (object: KubeObject) => value(toCore(object)),
    ]),
  ),
  storedAs: { group: '', version: 'v1', plural: 'events', toStorage: toCore, fromStorage: fromCore },
});
