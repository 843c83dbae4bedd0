import { celValue } from '../../api/schema/cel';
import type { Store } from '../../store/types';
import type { AdmissionAttributes } from '../admission';
import { cloneJson } from '../json';
import { namespaceOf } from './matching';
import { reviewRequest } from './review';

/** What expressions see of a request, each part brought into their form when it is first asked for. */
export function requestBindings(store: Store, attributes: AdmissionAttributes): Record<string, unknown> {
  return lazily({
    object: () => celValue(cloneJson(attributes.object ?? null)),
    oldObject: () => celValue(attributes.old ?? null),
    request: () => celValue(cloneJson(reviewRequest(attributes))),
    namespaceObject: () => celValue(namespaceOf(store, attributes) ?? null),
  });
}

/** An object whose fields are worked out once, when they are first read. */
export function lazily(fields: Readonly<Record<string, () => unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, work] of Object.entries(fields)) {
    let done: { value: unknown } | undefined;
    const get = () => (done ??= { value: work() }).value;
    Object.defineProperty(result, name, { enumerable: true, get });
  }
  return result;
}
