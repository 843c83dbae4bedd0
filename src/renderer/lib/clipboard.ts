import { i18n } from '@/locales';
import { useNotificationStore } from '@/stores/notifications';

/** Copies a text and says so, calling it `what`. */
export async function copyText(text: string, what: string): Promise<void> {
  const { t } = i18n.global;
  const notices = useNotificationStore();
  try {
    await navigator.clipboard.writeText(text);
    notices.success(t('app.copied', { what }));
  } catch {
    notices.failure(t('app.copyFailed'), new Error(t('app.copyFailed')));
  }
}
