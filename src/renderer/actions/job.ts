import { CirclePlay, Pause, Play } from '@lucide/vue';
import { useBridge } from '@/bridge';
import { resourceOf } from '@/lib/resource';
import { checks } from './basic';
import { forEach } from './tell';
import type { Action } from './types';

function suspending(suspended: boolean): Action {
  return {
    id: suspended ? 'suspend' : 'unsuspend',
    labelKey: suspended ? 'actions.suspend' : 'actions.unsuspend',
    icon: suspended ? Pause : Play,
    group: 'change',
    prominent: true,
    bulk: true,
    applies: (view, items) =>
      view.capabilities.suspend === true &&
      items.every(({ facts }) => (facts?.['suspended'] === true) !== suspended && facts?.['finished'] !== true),
    needs: (target) => checks(target, 'patch'),
    run: async (target) => {
      const words = {
        done: suspended ? 'actions.suspended' : 'actions.unsuspended',
        failed: 'actions.suspendFailed',
      };
      await forEach(target, words, ({ namespace, name }) =>
        useBridge().call('workload.suspend', {
          cluster: target.cluster,
          resource: resourceOf(target.view),
          namespace,
          name,
          suspended,
        }),
      );
    },
  };
}

const trigger: Action = {
  id: 'trigger',
  labelKey: 'actions.trigger',
  icon: CirclePlay,
  group: 'change',
  prominent: true,
  bulk: true,
  applies: (view) => view.capabilities.trigger === true,
  needs: (target) => checks({ ...target, view: { ...target.view, group: 'batch', plural: 'jobs' } }, 'create'),
  run: async (target) => {
    await forEach(target, { done: 'actions.triggered', failed: 'actions.triggerFailed' }, ({ namespace, name }) =>
      useBridge().call('cronjob.trigger', { cluster: target.cluster, namespace: namespace!, name }),
    );
  },
};

export const jobActions: Action[] = [trigger, suspending(true), suspending(false)];
