import type { KubeObject, ObjectMeta } from '@shared/k8s';
import { timestamp } from '../../clock';
import { jsonEqual } from '../../json';
import { isObject } from '../json';
import { changedFields, removedFields } from '../../api/schema/fields/compare';
import { difference, sameFields, union, type FieldSet } from '../../api/schema/fields/field-set';
import { objectShape, zeroObject, type View } from '../../api/schema/fields/shape';
import type { Call } from '../context';

/** An entry of metadata.managedFields: who owns which fields, since when and through which request. */
export type Entry = NonNullable<ObjectMeta['managedFields']>[number];

/** Who writes, as far as ownership tells managers apart. */
export interface Manager {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  subresource?: string;
}

/** More managers than this are not told apart: the oldest become one. */
const maxUpdaters = 10;
const ancient = 'ancient-changes';
const maxNameBytes = 128;

/** The manager of a request: what it calls itself, or else the first word of its user agent. */
export function managerOf(call: Call, operation: Manager['operation'], subresource = call.subresource): Manager {
  const { query, userAgent = '' } = call.request;
  return {
    manager: query.get('fieldManager') || firstWord(userAgent) || 'unknown',
    operation,
    apiVersion: call.resource.apiVersion,
    ...(subresource === undefined ? {} : { subresource }),
  };
}

function firstWord(userAgent: string): string {
  const end = userAgent.indexOf('/');
  const word = (end < 0 ? userAgent : userAgent.slice(0, end)).replace(/\p{C}/gu, '');
  return Buffer.byteLength(word) <= maxNameBytes ? word : Buffer.from(word).subarray(0, maxNameBytes).toString();
}

/** The part of the object that a request through this subresource can change. */
export const viewOf = (call: Call): View => {
  if (call.subresource !== undefined) return call.subresource === 'status' ? 'status' : 'all';
  return call.resource.definition.status ? 'main' : 'all';
};

/**
 * Writes down in the draft's metadata.managedFields what a create or update makes the
 * manager's own: every field it changed. Who had them before has them no longer.
 * @param old what was stored; undefined for a create
 * @param now in ms
 */
export function recordUpdate(call: Call, draft: KubeObject, old: KubeObject | undefined, now: number, self: Manager) {
  const { apiVersion, definition } = call.resource;
  const shape = objectShape(apiVersion, definition.kind, viewOf(call), definition.custom?.shape);
  const before = old ?? zeroObject(apiVersion, definition.kind);
  const changed = changedFields(shape, before, draft);
  const removed = old && removedFields(shape, old, draft);
  const entries = currentEntries(self, draft.metadata?.managedFields, old?.metadata?.managedFields);
  setEntries(draft, updated(entries, changed, removed, self, now, definition.kind));
}

/** The entries to go on from: a client may hand its own along with the object, and reset them with an empty list. */
function currentEntries(self: Manager, given: Entry[] | undefined, stored: Entry[] | undefined): Entry[] {
  if (self.subresource !== undefined || !Array.isArray(given) || given === stored) return stored ?? [];
  if (stored && jsonEqual(given, stored)) return stored;
  const reset = given.every((entry) => isObject(entry) && Object.keys(entry).length === 0);
  if (reset && given.length <= 1) return [];
  return given.every(isEntry) ? given : (stored ?? []);
}

function isEntry(entry: unknown): entry is Entry {
  return (
    isObject(entry) &&
    typeof (entry.manager ?? '') === 'string' &&
    (entry.operation === 'Apply' || entry.operation === 'Update') &&
    typeof entry.apiVersion === 'string' &&
    entry.fieldsType === 'FieldsV1' &&
    isFieldSet(entry.fieldsV1)
  );
}

function isFieldSet(set: unknown): set is FieldSet {
  return (
    isObject(set) &&
    Object.entries(set).every(([element, inner]) => (element === '.' || /^[fvik]:/.test(element)) && isFieldSet(inner))
  );
}

export function setEntries(draft: KubeObject, entries: Entry[]): void {
  const metadata = (draft.metadata ??= {});
  if (entries.length > 0) metadata.managedFields = entries;
  else delete metadata.managedFields;
}

/** Whether a draft differs from what is stored in nothing but the times of its managers. */
export function sameButTimes(draft: KubeObject, old: KubeObject): boolean {
  const timeless = ({ metadata, ...rest }: KubeObject) => ({
    ...rest,
    metadata: { ...metadata, managedFields: metadata?.managedFields?.map((entry) => ({ ...entry, time: undefined })) },
  });
  return jsonEqual(timeless(draft), timeless(old));
}

function updated(
  entries: Entry[],
  changed: FieldSet | undefined,
  removed: FieldSet | undefined,
  self: Manager,
  now: number,
  kind: string,
): Entry[] {
  if (!changed && !removed) return entries;
  const result: Entry[] = [];
  let own: FieldSet | undefined;
  for (const entry of entries) {
    const left = difference(fieldsOf(entry), removed);
    if (isSame(entry, self)) {
      own = left;
      if (!changed) keep(result, entry, left);
    } else keep(result, entry, difference(left, changed));
  }
  if (changed) result.push(entryOf(self, now, pooled(kind, self, union(own, changed)!)));
  return inOrder(capped(result));
}

/** The fields of an entry. */
export const fieldsOf = (entry: Entry): FieldSet | undefined => entry.fieldsV1 as FieldSet | undefined;

/** Whether an entry speaks of this manager. An applier is one whatever version it applies. */
export const isSame = (entry: Entry, { manager, operation, apiVersion, subresource }: Manager): boolean =>
  entry.manager === manager &&
  entry.operation === operation &&
  entry.subresource === subresource &&
  (operation === 'Apply' || entry.apiVersion === apiVersion);

/** Adds an entry with what is left of its fields, if anything is. */
export function keep(result: Entry[], entry: Entry, left: FieldSet | undefined): void {
  if (left) result.push(left === entry.fieldsV1 ? entry : { ...entry, fieldsV1: left });
}

/** An entry that says that the fields are the manager's. `now` in ms. */
export function entryOf(self: Manager, now: number, fieldsV1: FieldSet | undefined): Entry {
  const { manager, operation, apiVersion, subresource } = self;
  const time = secondOf(now);
  // Written out: there is one of these in memory for every manager of every object, and spreads would not share a class.
  return subresource === undefined
    ? { manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1 }
    : { manager, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1, subresource };
}

const second = { at: -1, text: '' };

/** The time as it is written down; thousands of writes share a second. */
function secondOf(now: number): string {
  const at = Math.floor(now / 1000);
  if (at !== second.at) [second.at, second.text] = [at, timestamp(now)];
  return second.text;
}

/** Appliers first, each by time and name: the order in which Kubernetes writes them. */
export function inOrder(entries: Entry[]): Entry[] {
  for (let index = 1; index < entries.length; index++) {
    if (compare(entries[index - 1]!, entries[index]!) > 0) return entries.sort(compare);
  }
  return entries;
}

const sortedBy = ['operation', 'time', 'manager', 'apiVersion', 'subresource'] as const;

function compare(a: Entry, b: Entry): number {
  for (const field of sortedBy) {
    const [left = '', right = ''] = [a[field], b[field]];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** Puts the oldest updaters together when there are too many. */
function capped(entries: Entry[]): Entry[] {
  if (entries.length <= maxUpdaters) return entries;
  const updaters = inOrder(entries.filter((entry) => entry.operation === 'Update'));
  const over = updaters.length - maxUpdaters;
  if (over <= 0) return entries;
  // One place is for what they become.
  const places = updaters.some((entry) => entry.manager === ancient) ? over : over + 1;
  const old = new Set(updaters.filter((entry) => entry.manager !== ancient).slice(0, places));
  const result = entries.filter((entry) => !old.has(entry) && entry.manager !== ancient);
  const merged = new Map<string, Entry>();
  for (const entry of entries.filter((candidate) => candidate.manager === ancient || old.has(candidate))) {
    const version = entry.apiVersion ?? '';
    const { subresource: _, ...rest } = entry;
    const fields = union(merged.get(version)?.fieldsV1 as FieldSet | undefined, fieldsOf(entry));
    merged.set(version, { ...rest, manager: ancient, fieldsV1: fields });
  }
  return [...result, ...merged.values()];
}

/**
 * Pods of one ReplicaSet, status after status: the same manager writes the same
 * fields over and over. One set serves them all.
 */
const pool = new Map<string, FieldSet>();
const poolSize = 500;

/** The set itself, or an equal one that is there already. */
export function pooled(kind: string, { manager, subresource = '' }: Manager, set: FieldSet): FieldSet {
  const key = `${kind}/${manager}/${subresource}`;
  const known = pool.get(key);
  if (known && sameFields(known, set)) return known;
  if (pool.size >= poolSize) pool.clear();
  pool.set(key, set);
  return set;
}
