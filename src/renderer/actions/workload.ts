import { DoorOpen, FileText, History, Pause, Play, RotateCcw, Scaling, SquareTerminal } from '@lucide/vue';
import RollbackDialog from '@/dialogs/RollbackDialog.vue';
import ScaleDialog from '@/dialogs/ScaleDialog.vue';
import ConfirmDialog from '@/dialogs/ConfirmDialog.vue';
import { useBridge } from '@/bridge';
import { kindView } from '@shared/kinds';
import { resourceOf } from '@/lib/resource';
import { i18n } from '@/locales';
import { useDialogStore } from '@/stores/dialogs';
import { useDockStore } from '@/stores/dock';
import { useNotificationStore } from '@/stores/notifications';
import { checks } from './basic';
import { forEach, naming } from './tell';
import type { Action, ActionTarget, TargetItem } from './types';

const { t } = i18n.global;

const refOf = ({ cluster, view }: ActionTarget, item: TargetItem) => ({
  cluster,
  resource: resourceOf(view),
  namespace: item.namespace,
  name: item.name,
});

const texts = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);

const scale: Action = {
  id: 'scale',
  labelKey: 'actions.scale',
  icon: Scaling,
  group: 'change',
  prominent: true,
  bulk: false,
  applies: (view) => view.capabilities.scale === true,
  needs: (target) => checks(target, 'patch', 'scale'),
  refusal: ({ items }) => (items[0]?.facts?.['controlled'] ? { key: 'actions.managed' } : undefined),
  run: async (target) => {
    const replicas = await useDialogStore().show<number>(ScaleDialog, { target });
    if (replicas === undefined) return;
    await forEach(target, { done: 'actions.scaled', failed: 'actions.scaleFailed', values: { replicas } }, (item) =>
      useBridge().call('workload.scale', { ...refOf(target, item), replicas }),
    );
  },
};

const restart: Action = {
  id: 'restart',
  labelKey: 'actions.restart',
  icon: RotateCcw,
  group: 'change',
  prominent: true,
  bulk: true,
  applies: (view) => view.capabilities.rollout === true,
  needs: (target) => checks(target, 'patch'),
  refusal: ({ items }) => (items.some((item) => item.facts?.['paused']) ? { key: 'actions.resumeFirst' } : undefined),
  run: async (target) => {
    const what = naming(target);
    const confirmed = await useDialogStore().show<boolean>(ConfirmDialog, {
      name: 'restart',
      title: t('actions.confirm.restartTitle', { what }),
      text: t('actions.confirm.restartText'),
      confirm: t('actions.restart'),
    });
    if (!confirmed) return;
    await forEach(target, { done: 'actions.restarted', failed: 'actions.restartFailed' }, (item) =>
      useBridge().call('workload.restart', refOf(target, item)),
    );
  },
};

function pausing(paused: boolean): Action {
  return {
    id: paused ? 'pause' : 'resume',
    labelKey: paused ? 'actions.pause' : 'actions.resume',
    icon: paused ? Pause : Play,
    group: 'change',
    bulk: true,
    applies: (view, items) =>
      view.capabilities.pause === true && items.every((item) => (item.facts?.['paused'] === true) !== paused),
    needs: (target) => checks(target, 'patch'),
    run: async (target) => {
      const words = { done: paused ? 'actions.paused' : 'actions.resumed', failed: 'actions.pauseFailed' };
      await forEach(target, words, (item) => useBridge().call('workload.pause', { ...refOf(target, item), paused }));
    },
  };
}

const rollback: Action = {
  id: 'rollback',
  labelKey: 'actions.rollback',
  icon: History,
  group: 'change',
  prominent: true,
  bulk: false,
  applies: (view) => view.capabilities.rollout === true,
  needs: (target) => checks(target, 'patch'),
  refusal: ({ items }) => (items[0]?.facts?.['paused'] ? { key: 'actions.resumeFirst' } : undefined),
  run: async (target) => {
    const revision = await useDialogStore().show<number>(RollbackDialog, { target });
    if (revision === undefined) return;
    await forEach(
      target,
      { done: 'actions.rolledBack', failed: 'actions.rollbackFailed', values: { revision } },
      (item) => useBridge().call('workload.rollback', { ...refOf(target, item), revision, dryRun: false }),
    );
  },
};

/** The pods whose logs are meant: the pod itself, or those its selector chooses. */
async function podsOf(target: ActionTarget, item: TargetItem): Promise<string[]> {
  if (target.view.capabilities.exec) return [item.name];
  const object = await useBridge().call('kube.get', refOf(target, item));
  const labelSelector = target.view.podSelector?.(object);
  if (!labelSelector) return [];
  const pods = await useBridge().call('kube.list', {
    cluster: target.cluster,
    resource: resourceOf(kindView('pods')!),
    namespace: item.namespace,
    labelSelector,
  });
  return pods.map((pod) => pod.metadata?.name ?? '').filter(Boolean);
}

const logs: Action = {
  id: 'logs',
  labelKey: 'actions.logs',
  icon: FileText,
  group: 'work',
  prominent: true,
  bulk: false,
  applies: (view) => view.capabilities.logs === true,
  run: async (target) => {
    const item = target.items[0]!;
    const notices = useNotificationStore();
    try {
      const pods = await podsOf(target, item);
      if (!pods.length) return notices.info(t('actions.logsNoPods', { what: naming(target) }));
      const params = { cluster: target.cluster, namespace: item.namespace!, pods: pods.slice(0, 50) };
      useDockStore().openLogs(params, item.name);
    } catch (error) {
      notices.failure(t('actions.loadFailed', { what: naming(target) }), error);
    }
  },
};

const exec: Action = {
  id: 'shell',
  labelKey: 'actions.exec',
  icon: SquareTerminal,
  group: 'work',
  prominent: true,
  bulk: false,
  applies: (view) => view.capabilities.exec === true,
  needs: (target) => checks(target, 'create', 'exec'),
  refusal: ({ items }) => (items[0]?.facts?.['running'] === false ? { key: 'actions.notRunning' } : undefined),
  run: ({ cluster, items: [item] }) => {
    const containers = texts(item!.facts?.['containers']);
    const params = { cluster, namespace: item!.namespace!, pod: item!.name, container: containers[0], containers };
    useDockStore().openExec(params, item!.name);
  },
};

const evict: Action = {
  id: 'evict',
  labelKey: 'actions.evict',
  icon: DoorOpen,
  group: 'change',
  bulk: true,
  applies: (view, items) => view.capabilities.evict === true && items.every((item) => !item.deletedAt),
  needs: (target) => checks(target, 'create', 'eviction'),
  run: async (target) => {
    const confirmed = await useDialogStore().show<boolean>(ConfirmDialog, {
      name: 'evict',
      title: t('actions.confirm.evictTitle', { what: naming(target) }),
      text: t('actions.confirm.evictText'),
      confirm: t('actions.evict'),
    });
    if (!confirmed) return;
    await forEach(target, { done: 'actions.evicted', failed: 'actions.evictFailed' }, ({ namespace, name }) =>
      useBridge().call('pod.evict', { cluster: target.cluster, namespace: namespace!, name }),
    );
  },
};

export const workloadActions: Action[] = [logs, exec, scale, restart, rollback, pausing(true), pausing(false), evict];
