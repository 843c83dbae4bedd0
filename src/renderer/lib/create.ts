import type { KindView } from '@shared/kinds/types';
import { i18n } from '@/locales';
import { useAppStore } from '@/stores/app';
import { useDockStore } from '@/stores/dock';
import { useNamespaceStore } from '@/stores/namespaces';

/** Answers a function that opens the editor for new objects, with the kind's first YAML when one is given. */
export function useCreate(): (view?: KindView) => void {
  const app = useAppStore();
  const dock = useDockStore();
  const namespaces = useNamespaceStore();
  return (view) => {
    const params = {
      cluster: app.clusterId,
      namespace: namespaces.target,
      ...(view?.template ? { yaml: view.template } : {}),
    };
    dock.openCreate(params, view ? `${i18n.global.t('app.create')} ${view.kind}` : i18n.global.t('app.create'));
  };
}
