import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import type { BridgeError } from '@shared/bridge/protocol';
import { toBridgeError } from '@/lib/errors';

export interface Notice {
  id: number;
  tone: 'ok' | 'info' | 'warn' | 'error';
  title: string;
  text?: string;
  error?: BridgeError;
  at: number;
}

const SHORT = 4_000;
const KEPT = 100;

/** What happened: shown as a toast, and kept to be read later. Errors stay until they are dismissed. */
export const useNotificationStore = defineStore('notifications', () => {
  const notices = ref<Notice[]>([]);
  const toasts = ref<Notice[]>([]);
  const readUntil = ref(0);
  /** What the user should not miss; successes need no reading. */
  const unread = computed(
    () => notices.value.filter(({ id, tone }) => id > readUntil.value && (tone === 'error' || tone === 'warn')).length,
  );
  let count = 0;

  function add(notice: Omit<Notice, 'id' | 'at'>): void {
    const full = { ...notice, id: ++count, at: Date.now() };
    notices.value = [full, ...notices.value].slice(0, KEPT);
    toasts.value = [...toasts.value, full].slice(-5);
    if (notice.tone !== 'error') setTimeout(() => dismiss(full.id), SHORT);
  }
  /** Takes the toast away; the notice stays in the list. */
  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }
  function markRead(): void {
    readUntil.value = count;
  }
  function clear(): void {
    notices.value = [];
    toasts.value = [];
  }

  return {
    notices,
    toasts,
    unread,
    dismiss,
    markRead,
    clear,
    success: (title: string, text?: string) => add({ tone: 'ok', title, text }),
    info: (title: string, text?: string) => add({ tone: 'info', title, text }),
    /** What failed, and why. A cancelled action is no failure. */
    failure: (title: string, reason: unknown) => {
      const error = toBridgeError(reason);
      if (error.code !== 'cancelled') add({ tone: 'error', title, text: error.message, error });
    },
  };
});
