import type { KubeObject } from '@shared/k8s';
import { FakeClock } from '../clock';
import { fieldErrorMessage } from './errors';
import { kinds } from './index';
import type { KindDefinition } from './kind';

/** Helpers of this folder's tests: what generic code does with a kind, in one call. */

const context = { clock: new FakeClock(), user: 'tester' };

/** The definition of a kind. @throws Error when there is none */
export function kindOf(kind: string): KindDefinition {
  const found = kinds.find((definition) => definition.kind === kind);
  if (!found) throw new Error(`no kind ${kind}`);
  return found;
}

/** An object as it is after a create: a copy with defaults and the strategy applied. */
export function created(kind: string, object: object): any {
  const draft = structuredClone(object) as KubeObject;
  draft.metadata ??= {};
  kindOf(kind).defaults?.(draft);
  kindOf(kind).prepareForCreate?.(draft, context);
  return draft;
}

/** An object as it is after an update. `change` gets a copy of the old object to change. */
export function updated(kind: string, old: KubeObject, change: (draft: any) => void): any {
  const draft = structuredClone(old);
  change(draft);
  kindOf(kind).defaults?.(draft);
  kindOf(kind).prepareForUpdate?.(draft, old, context);
  return draft;
}

/** The words of every fault of creating the object. */
export function faults(kind: string, object: object): string[] {
  return (kindOf(kind).validate?.(created(kind, object)) ?? []).map(fieldErrorMessage);
}

/** The words of every fault of changing an object. */
export function updateFaults(kind: string, old: KubeObject, change: (draft: any) => void): string[] {
  return (kindOf(kind).validateUpdate?.(updated(kind, old, change), old) ?? []).map(fieldErrorMessage);
}

/** The cells of an object's row under their column names, wide ones included. */
export function row(kind: string, object: object, now = 0): Record<string, unknown> {
  return Object.fromEntries(kindOf(kind).columns.map((column) => [column.name, column.cell(object, now)]));
}
