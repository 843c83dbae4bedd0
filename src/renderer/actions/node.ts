import { CircleCheck, CircleSlash } from '@lucide/vue';
import ConfirmDialog from '@/dialogs/ConfirmDialog.vue';
import { useBridge } from '@/bridge';
import { i18n } from '@/locales';
import { useDialogStore } from '@/stores/dialogs';
import { checks } from './basic';
import { forEach, naming } from './tell';
import type { Action } from './types';

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

export const nodeActions: Action[] = [cordoning(true), cordoning(false)];
