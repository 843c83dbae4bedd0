import { timestamp } from './clock';

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export function findCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function hasCondition(
  conditions: readonly { type: string; status: string }[] | undefined,
  type: string,
  status = 'True',
): boolean {
  return findCondition(conditions, type)?.status === status;
}

/**
 * The conditions with one set. lastTransitionTime is kept while the status stays
 * the same and is `now` (ms) otherwise. The argument is not changed.
 */
export function setCondition<C extends Condition>(
  conditions: readonly C[] | undefined,
  condition: C,
  now: number,
): C[] {
  const list = conditions ?? [];
  const old = findCondition(list, condition.type);
  const kept = old?.status === condition.status ? old.lastTransitionTime : undefined;
  const next = { ...condition, lastTransitionTime: kept ?? condition.lastTransitionTime ?? timestamp(now) };
  return old ? list.map((other) => (other === old ? next : other)) : [...list, next];
}

export function removeCondition<C extends { type: string }>(conditions: readonly C[] | undefined, type: string): C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
