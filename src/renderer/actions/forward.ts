import { Cable } from '@lucide/vue';
import PortForwardDialog from '@/dialogs/PortForwardDialog.vue';
import { isForwardKind, startForward } from '@/lib/forward';
import { useDialogStore } from '@/stores/dialogs';
import { naming } from './tell';
import type { Action } from './types';

/** What the dialog answers. */
export interface ForwardChoice {
  port: number;
  /** 0 is any free one. */
  localPort: number;
  open: boolean;
}

const portForward: Action = {
  id: 'port-forward',
  labelKey: 'forwards.action',
  icon: Cable,
  group: 'work',
  bulk: false,
  applies: (view) => isForwardKind(view.id),
  needs: ({ items }) => [
    { verb: 'create', group: '', plural: 'pods', subresource: 'portforward', namespace: items[0]!.namespace },
  ],
  run: async (target) => {
    const { id: kind } = target.view;
    const { name, namespace = '' } = target.items[0]!;
    const choice = await useDialogStore().show<ForwardChoice>(PortForwardDialog, { target });
    if (!choice || !isForwardKind(kind)) return;
    const { open, ...ports } = choice;
    await startForward({ cluster: target.cluster, kind, namespace, name, ...ports }, naming(target), open);
  },
};

export const forwardActions: readonly Action[] = [portForward];
