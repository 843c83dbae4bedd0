import type { Component } from 'vue';
import type { Row } from '@shared/kinds/types';
import type { KindView } from '@shared/kinds/types';
import type { Check } from '@/stores/permissions';

/** An object that something is done to: what a row knows of it. */
export type TargetItem = Pick<Row, 'uid' | 'name' | 'namespace' | 'facts' | 'deletedAt' | 'status'>;

/** What an action works on: one or more objects of one kind. */
export interface ActionTarget {
  cluster: string;
  /** The cluster's name, for questions. */
  clusterName: string;
  view: KindView;
  items: TargetItem[];
}

/** Why something cannot be done: a message key with its values. */
export interface Refusal {
  key: string;
  values?: Record<string, string>;
}

/** Something that can be done to objects. Menus, bars, the drawer and the palette are drawn from these. */
export interface Action {
  id: string;
  labelKey: string;
  icon: Component;
  tone?: 'danger';
  /** Actions of one group stand together, groups are ruled off. */
  group: 'open' | 'work' | 'change' | 'end';
  /** A button of its own in the drawer's head; others are in its menu. */
  prominent?: boolean;
  /** Works on several objects at once. */
  bulk: boolean;
  /** Whether it makes sense for objects of the kind in their state. */
  applies(view: KindView, items: readonly TargetItem[]): boolean;
  /** What the user must be allowed to do. */
  needs?(target: ActionTarget): Check[];
  /** Why it cannot be done now, permissions aside. */
  refusal?(target: ActionTarget): Refusal | undefined;
  /** Does it, after asking where it should ask. Tells the user how it went. */
  run(target: ActionTarget): void | Promise<void>;
}

/** An action with whether it can be used on a target, ready to draw. */
export interface OfferedAction {
  action: Action;
  /** Why it is disabled, in the user's language. */
  disabled?: string;
}
