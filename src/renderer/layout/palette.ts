import { LayoutDashboard, Palette, Plus, Settings2, SquareTerminal } from '@lucide/vue';
import { h, type Component } from 'vue';
import type { KindView, Row } from '@shared/kinds/types';
import type { OfferedAction } from '@/actions';
import { KindIcon } from '@/components/KindIcon';
import { kindTitle } from '@/lib/kind-title';
import { i18n } from '@/locales';
import { useKindStore } from '@/stores/kinds';

/** One line of the palette. */
export interface Entry {
  id: string;
  title: string;
  /** Shown at the end of the line: where it is, or why it cannot be used. */
  hint?: string;
  icon: Component;
  disabled?: boolean;
  run(): void;
}

export interface Group {
  title: string;
  entries: Entry[];
}

/** What the palette can do; the page supplies the doing. */
export interface PaletteDeeds {
  goTo(kind: string): void;
  overview(): void;
  settings(): void;
  create(): void;
  terminal(): void;
  theme(): void;
  open(view: KindView, row: Row): void;
  act(action: OfferedAction): void;
}

const MOST = 12;

/** Whether the words occur in the text, in any order. */
export function fits(text: string, words: readonly string[]): boolean {
  const low = text.toLowerCase();
  return words.every((word) => low.includes(word));
}

/** The lines that fit what was typed: actions on the open object, kinds, commands, objects. */
export function paletteGroups(
  typed: string,
  deeds: PaletteDeeds,
  objects: readonly { view: KindView; rows: Iterable<Row> }[],
  onObject: { name: string; offered: OfferedAction[] } | undefined,
): Group[] {
  const { t } = i18n.global;
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const commands: Entry[] = [
    { id: 'create', title: t('app.create'), icon: Plus, run: deeds.create },
    { id: 'terminal', title: t('app.terminal'), icon: SquareTerminal, run: deeds.terminal },
    { id: 'theme', title: t('palette.themeAction'), icon: Palette, run: deeds.theme },
    { id: 'settings', title: t('app.settings'), icon: Settings2, run: deeds.settings },
  ];
  const places: Entry[] = [
    { id: 'overview', title: t('app.overview'), icon: LayoutDashboard, run: deeds.overview },
    ...useKindStore().all.map((view) => ({
      id: `kind-${view.id}`,
      title: kindTitle(view),
      hint: view.title ? view.group : t(`sections.${view.section}`),
      icon: () => h(KindIcon, { view }),
      run: () => deeds.goTo(view.id),
    })),
  ];
  const actions: Entry[] = (onObject?.offered ?? [])
    .filter(({ action }) => action.id !== 'view')
    .map((offered) => ({
      id: `action-${offered.action.id}`,
      title: t(offered.action.labelKey),
      hint: offered.disabled,
      icon: offered.action.icon,
      disabled: offered.disabled !== undefined,
      run: () => deeds.act(offered),
    }));
  const groups: Group[] = [
    { title: t('palette.thisObject', { name: onObject?.name ?? '' }), entries: actions },
    { title: t('palette.goTo'), entries: places },
    { title: t('palette.actions'), entries: commands },
  ].map((group) => ({ ...group, entries: group.entries.filter((entry) => fits(entry.title, words)) }));
  groups.push({ title: t('palette.objects'), entries: found(objects, words, deeds) });
  return groups.filter((group) => group.entries.length);
}

function found(
  objects: readonly { view: KindView; rows: Iterable<Row> }[],
  words: readonly string[],
  deeds: PaletteDeeds,
): Entry[] {
  const entries: Entry[] = [];
  for (const { view, rows } of objects) {
    let ofKind = 0;
    for (const row of rows) {
      if (!fits(`${view.kind} ${row.namespace ?? ''} ${row.name}`, words)) continue;
      entries.push({
        id: row.uid,
        title: row.name,
        hint: row.namespace ? `${view.kind} · ${row.namespace}` : view.kind,
        icon: () => h(KindIcon, { view }),
        run: () => deeds.open(view, row),
      });
      if (++ofKind >= MOST) break;
    }
  }
  return entries;
}
