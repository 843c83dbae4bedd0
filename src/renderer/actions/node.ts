import { CircleCheck, CircleSlash, LogOut, Play, PowerOff, ServerOff } from '@lucide/vue';
import ConfirmDialog from '@/dialogs/ConfirmDialog.vue';
import DrainDialog from '@/dialogs/DrainDialog.vue';
import RemoveNodeDialog from '@/dialogs/RemoveNodeDialog.vue';
import { useBridge } from '@/bridge';
import { i18n } from '@/locales';
import { useDialogStore } from '@/stores/dialogs';
import { checks } from './basic';
import { forEach, naming } from './tell';
import type { Action, TargetItem } from './types';

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

/** Nodes whose agents this app runs; the agent of a cluster elsewhere is not for it to switch. */
const isOurs: Action['applies'] = (view, items) =>
  view.id === 'nodes' && items.every((item) => item.facts?.['agent'] !== undefined);
const isReady = (item: TargetItem): boolean => item.status?.text.startsWith('Ready') === true;

function powering(on: boolean): Action {
  return {
    id: on ? 'start-agent' : 'stop-agent',
    labelKey: on ? 'nodes.start' : 'nodes.stop',
    icon: on ? Play : PowerOff,
    group: 'change',
    bulk: true,
    applies: (view, items) => isOurs(view, items) && items.every((item) => isReady(item) !== on),
    run: async (target) => {
      if (!on) {
        const confirmed = await useDialogStore().show<boolean>(ConfirmDialog, {
          name: 'stop-agent',
          title: t('nodes.stopTitle', { what: naming(target) }),
          text: t('nodes.stopText'),
          confirm: t('nodes.stop'),
        });
        if (!confirmed) return;
      }
      await forEach(target, { done: on ? 'nodes.started' : 'nodes.stopped', failed: 'nodes.powerFailed' }, (item) =>
        useBridge().call('node.power', { cluster: target.cluster, name: item.name, on }),
      );
    },
  };
}

const remove: Action = {
  id: 'remove-node',
  labelKey: 'nodes.remove',
  icon: ServerOff,
  tone: 'danger',
  group: 'end',
  bulk: false,
  applies: isOurs,
  refusal: ({ items, clusterName }) =>
    items.some((item) => item.name === clusterName) ? { key: 'nodes.first' } : undefined,
  run: async (target) => {
    const { name, facts } = target.items[0]!;
    const values = { name, simulated: facts?.['simulated'] === true };
    const choice = await useDialogStore().show<{ force: boolean }>(RemoveNodeDialog, values);
    if (!choice) return;
    await forEach(target, { done: 'nodes.removing', failed: 'nodes.removeFailed' }, (item) =>
      useBridge().call('node.remove', { cluster: target.cluster, name: item.name, ...choice }),
    );
  },
};

export const nodeActions: Action[] = [
  cordoning(true),
  cordoning(false),
  drain,
  powering(true),
  powering(false),
  remove,
];
