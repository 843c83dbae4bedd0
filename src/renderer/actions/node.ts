import { CircleCheck, CircleSlash, LogOut } from '@lucide/vue';
import ConfirmDialog from '@/dialogs/ConfirmDialog.vue';
import DrainDialog from '@/dialogs/DrainDialog.vue';
import { useBridge } from '@/bridge';
import { i18n } from '@/locales';
import { useDialogStore } from '@/stores/dialogs';
import { checks } from './basic';
import { forEach, naming } from './tell';
import type { Action } from './types';

/** What the user allows a drain to do. */
export interface DrainChoice {
  force: boolean;
  deleteEmptyDirData: boolean;
  gracePeriodSeconds?: number;
}

const { t } = i18n.global;

function cordoning(unschedulable: boolean): Action {
  return {
    id: unschedulable ? 'cordon' : 'uncordon',
    labelKey: unschedulable ? 'actions.cordon' : 'actions.uncordon',
    icon: unschedulable ? CircleSlash : CircleCheck,
    group: 'change',
    prominent: true,
    bulk: true,
    applies: (view, items) =>
      view.capabilities.cordon === true &&
      items.every((item) => (item.facts?.['unschedulable'] === true) !== unschedulable),
    needs: (target) => checks(target, 'patch'),
    run: async (target) => {
      if (unschedulable) {
        const confirmed = await useDialogStore().show<boolean>(ConfirmDialog, {
          name: 'cordon',
          title: t('actions.confirm.cordonTitle', { what: naming(target) }),
          text: t('actions.confirm.cordonText'),
          confirm: t('actions.cordon'),
        });
        if (!confirmed) return;
      }
      const words = { done: unschedulable ? 'actions.cordoned' : 'actions.uncordoned', failed: 'actions.cordonFailed' };
      await forEach(target, words, (item) =>
        useBridge().call('node.cordon', { cluster: target.cluster, name: item.name, unschedulable }),
      );
    },
  };
}

const drain: Action = {
  id: 'drain',
  labelKey: 'actions.drain',
  icon: LogOut,
  group: 'change',
  prominent: true,
  bulk: false,
  applies: (view) => view.capabilities.cordon === true,
  needs: (target) => [
    ...checks(target, 'patch'),
    { verb: 'create', group: '', plural: 'pods', subresource: 'eviction' },
  ],
  run: async (target) => {
    const choice = await useDialogStore().show<DrainChoice>(DrainDialog, { target });
    if (!choice) return;
    await forEach(target, { done: 'actions.draining', failed: 'actions.drainFailed' }, (item) =>
      useBridge().call('node.drain', { cluster: target.cluster, name: item.name, ...choice }),
    );
  },
};

export const nodeActions: Action[] = [cordoning(true), cordoning(false), drain];
