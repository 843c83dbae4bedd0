import type { ParamsOf, PortForward } from '@shared/bridge/contract';
import { useBridge } from '@/bridge';
import { i18n } from '@/locales';
import { useAppStore } from '@/stores/app';
import { useNotificationStore } from '@/stores/notifications';

const { t } = i18n.global;

/** Kinds that lead to a pod. */
const kinds = ['pods', 'services', 'deployments', 'statefulsets', 'daemonsets', 'replicasets'] as const;
export type ForwardKind = (typeof kinds)[number];
export const isForwardKind = (id: string): id is ForwardKind => (kinds as readonly string[]).includes(id);

export const addressOf = ({ address, localPort }: PortForward): string => `${address}:${localPort}`;

/** Ports by which TLS is spoken. */
const secure = new Set([443, 6443, 8443, 9443]);

/** Opens what listens at a forward's address in the user's browser. */
export function openForward(forward: PortForward): void {
  const url = `${secure.has(forward.port) ? 'https' : 'http'}://${addressOf(forward)}/`;
  if (useAppStore().info?.host === 'desktop') void useBridge().call('app.openExternal', { url });
  else window.open(url, '_blank', 'noopener');
}

/** Starts a forward, tells how that went and opens it where that is wished. */
export async function startForward(request: ParamsOf<'portForward.start'>, what: string, open: boolean): Promise<void> {
  const notices = useNotificationStore();
  try {
    const forward = await useBridge().call('portForward.start', request);
    notices.success(t('forwards.started', { address: addressOf(forward), what, port: forward.port }));
    if (open) openForward(forward);
  } catch (error) {
    notices.failure(t('forwards.failed', { what }), error);
  }
}
