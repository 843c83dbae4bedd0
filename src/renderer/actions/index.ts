import { i18n } from '@/locales';
import { usePermissionStore } from '@/stores/permissions';
import { basicActions } from './basic';
import { forwardActions } from './forward';
import { jobActions } from './job';
import { nodeActions } from './node';
import type { Action, ActionTarget, OfferedAction } from './types';
import { workloadActions } from './workload';

export type { Action, ActionTarget, OfferedAction, TargetItem } from './types';

const ORDER = ['open', 'work', 'change', 'end'] as const;

/** Every action, in the order of menus. */
export const allActions: readonly Action[] = ORDER.flatMap((group) =>
  [...basicActions, ...workloadActions, ...forwardActions, ...jobActions, ...nodeActions].filter(
    (action) => action.group === group,
  ),
);

/** The actions that apply to a target, with why some cannot be used. Reactive on permissions. */
export function offeredActions(target: ActionTarget): OfferedAction[] {
  if (!target.items.length) return [];
  return allActions
    .filter((action) => action.applies(target.view, target.items) && (target.items.length === 1 || action.bulk))
    .map((action) => ({ action, disabled: whyNot(action, target) }));
}

function whyNot(action: Action, target: ActionTarget): string | undefined {
  const { t } = i18n.global;
  const refusal = action.refusal?.(target);
  if (refusal) return t(refusal.key, refusal.values ?? {});
  const { may } = usePermissionStore();
  for (const check of action.needs?.(target) ?? []) {
    const permission = may(target.cluster, check);
    if (permission?.allowed !== false) continue;
    const resource = check.subresource ? `${check.plural}/${check.subresource}` : check.plural;
    const values = { verb: check.verb, resource, reason: permission.reason ?? '' };
    return t(permission.reason ? 'actions.notAllowedWhy' : 'actions.notAllowed', values);
  }
  return undefined;
}

/** Runs an action, and nothing when it is disabled. */
export function runAction({ action, disabled }: OfferedAction, target: ActionTarget): void {
  if (!disabled) void action.run(target);
}
