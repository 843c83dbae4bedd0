import {
  Box,
  Boxes,
  Cable,
  CircleHelp,
  FileCog,
  History,
  IdCard,
  KeyRound,
  Layers,
  Network,
  ScrollText,
  Server,
  SquareDashed,
  Timer,
  Waypoints,
} from '@lucide/vue';
import { h, type Component, type FunctionalComponent } from 'vue';
import type { KindView } from '@shared/kinds/types';

/** The icons that kinds name. */
const icons: Record<string, Component> = {
  Box,
  Boxes,
  Cable,
  FileCog,
  History,
  IdCard,
  KeyRound,
  Layers,
  Network,
  ScrollText,
  Server,
  SquareDashed,
  Timer,
  Waypoints,
};

/** The icon of a kind. */
export const KindIcon: FunctionalComponent<{ view: KindView; size?: number }> = (props) =>
  h(icons[props.view.icon] ?? CircleHelp, { size: props.size ?? 15, strokeWidth: 1.75, 'aria-hidden': 'true' });
KindIcon.props = ['view', 'size'];
