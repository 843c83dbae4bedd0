import { Copy, PanelRightOpen, SquarePen, Trash2 } from '@lucide/vue';
import DeleteDialog from '@/dialogs/DeleteDialog.vue';
import { useBridge } from '@/bridge';
import { copyText } from '@/lib/clipboard';
import { openDetail } from '@/lib/navigate';
import { resourceOf } from '@/lib/resource';
import { useDialogStore } from '@/stores/dialogs';
import { useDockStore } from '@/stores/dock';
import { forEach } from './tell';
import type { Action, ActionTarget } from './types';

/** The checks that a verb on every namespace of the targets needs. */
export function checks(target: ActionTarget, verb: string, subresource?: string) {
  const { group, plural } = target.view;
  const namespaces = new Set(target.items.map((item) => item.namespace));
  return [...namespaces].map((namespace) => ({
    verb,
    group,
    plural,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
  }));
}

const view: Action = {
  id: 'view',
  labelKey: 'actions.view',
  icon: PanelRightOpen,
  group: 'open',
  bulk: false,
  applies: () => true,
  run: ({ cluster, view, items: [item] }) => openDetail(cluster, view.id, item!.name, item!.namespace),
};

const edit: Action = {
  id: 'edit',
  labelKey: 'actions.edit',
  icon: SquarePen,
  group: 'open',
  prominent: true,
  bulk: false,
  applies: (view) => view.id !== 'events',
  needs: (target) => checks(target, 'get'),
  run: ({ cluster, view, items: [item] }) => {
    const { name, namespace } = item!;
    useDockStore().openEdit({ cluster, resource: resourceOf(view), kind: view.kind, namespace, name }, name);
  },
};

const copyName: Action = {
  id: 'copy-name',
  labelKey: 'actions.copyName',
  icon: Copy,
  group: 'open',
  bulk: true,
  applies: () => true,
  run: ({ items }) => copyText(items.map((item) => item.name).join('\n'), items[0]!.name),
};

export interface DeleteChoice {
  force: boolean;
}

const remove: Action = {
  id: 'delete',
  labelKey: 'actions.delete',
  icon: Trash2,
  tone: 'danger',
  group: 'end',
  prominent: true,
  bulk: true,
  applies: () => true,
  needs: (target) => checks(target, 'delete'),
  run: async (target) => {
    const choice = await useDialogStore().show<DeleteChoice>(DeleteDialog, { target });
    if (!choice) return;
    const waits = target.view.id === 'pods' || target.view.id === 'namespaces';
    await forEach(
      target,
      { done: waits && !choice.force ? 'actions.deleting' : 'actions.deleted', failed: 'actions.deleteFailed' },
      (item) =>
        useBridge().call('kube.delete', {
          cluster: target.cluster,
          resource: resourceOf(target.view),
          namespace: item.namespace,
          name: item.name,
          ...(choice.force ? { gracePeriodSeconds: 0 } : {}),
        }),
    );
  },
};

export const basicActions: Action[] = [view, edit, copyName, remove];
