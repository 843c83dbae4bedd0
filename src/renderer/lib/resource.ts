import type { z } from 'zod';
import type { resourceRef } from '@shared/bridge/contract';
import type { KindView } from '@shared/kinds/types';

export type ResourceRef = z.infer<typeof resourceRef>;

/** The API resource of a kind. */
export function resourceOf(view: Pick<KindView, 'group' | 'version' | 'plural'>): ResourceRef {
  return { group: view.group, version: view.version, plural: view.plural };
}
