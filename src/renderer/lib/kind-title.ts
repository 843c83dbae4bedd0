import type { KindView } from '@shared/kinds/types';
import { i18n } from '@/locales';

/** A kind as headings and the sidebar name it: `Pods`; a custom kind by the name its definition gives. */
export function kindTitle(view: Pick<KindView, 'id' | 'title'>): string {
  return view.title ?? i18n.global.t(`kinds.${view.id}`);
}
