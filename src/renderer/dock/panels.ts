import { defineAsyncComponent, type Component } from 'vue';
import type { DockTabType } from '@/stores/dock';
import PanelFailed from './PanelFailed.vue';
import PanelLoading from './PanelLoading.vue';

const lazy = (loader: () => Promise<Component>): Component =>
  defineAsyncComponent({ loader, loadingComponent: PanelLoading, errorComponent: PanelFailed, delay: 150 });
const editor = lazy(() => import('./EditorPanel.vue'));

/** What each kind of tab shows; loaded when the first one opens. */
export const panels: Record<DockTabType, Component> = {
  logs: lazy(() => import('./LogsPanel.vue')),
  terminal: lazy(() => import('./TerminalPanel.vue')),
  exec: lazy(() => import('./ExecPanel.vue')),
  create: editor,
  edit: editor,
};
