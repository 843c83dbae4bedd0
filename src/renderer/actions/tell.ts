import { kindTitle } from '@/lib/kind-title';
import { i18n } from '@/locales';
import { useNotificationStore } from '@/stores/notifications';
import type { ActionTarget, TargetItem } from './types';

const { t } = i18n.global;

/** What the user calls the targets: `Pod web-1`, or `3 Pods`. */
export function naming(target: ActionTarget): string {
  const [first, second] = target.items;
  if (first && !second) return `${target.view.kind} ${first.name}`;
  return t('actions.many', { count: target.items.length, kind: kindTitle(target.view) });
}

/** Does something to each target and tells how it went: one success, or each failure. */
export async function forEach(
  target: ActionTarget,
  words: { done: string; failed: string; values?: Record<string, string | number> },
  work: (item: TargetItem) => Promise<unknown>,
): Promise<boolean> {
  const notices = useNotificationStore();
  const results = await Promise.allSettled(target.items.map(work));
  const done = target.items.filter((_, index) => results[index]!.status === 'fulfilled');
  for (const [index, result] of results.entries()) {
    if (result.status === 'rejected') {
      const what = naming({ ...target, items: [target.items[index]!] });
      notices.failure(t(words.failed, { what }), result.reason);
    }
  }
  if (done.length) notices.success(t(words.done, { what: naming({ ...target, items: done }), ...words.values }));
  return done.length === target.items.length;
}
