import { defineStore } from 'pinia';
import { computed, ref, watchEffect } from 'vue';
import type { Settings } from '@shared/bridge/contract';
import { useBridge } from '@/bridge';
import { i18n } from '@/locales';
import { useNotificationStore } from './notifications';

const THEME = 'gantry.theme';
const defaults: Settings = {
  theme: 'system',
  locale: 'en',
  namespaces: {},
  lastCluster: '',
  terminalShell: '',
  terminalFontSize: 13,
  tableDensity: 'compact',
  hiddenColumns: {},
};

/** The user's settings, kept by the app. Changes show at once and are saved behind. */
export const useSettingsStore = defineStore('settings', () => {
  const settings = ref<Settings>({
    ...defaults,
    theme: (localStorage.getItem(THEME) as Settings['theme']) ?? 'system',
  });
  const systemDark = window.matchMedia('(prefers-color-scheme: dark)');
  const dark = ref(systemDark.matches);
  systemDark.addEventListener('change', (event) => (dark.value = event.matches));
  const theme = computed(() => {
    const { theme: wanted } = settings.value;
    return wanted === 'system' ? (dark.value ? 'dark' : 'light') : wanted;
  });

  watchEffect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    document.documentElement.dataset['density'] = settings.value.tableDensity;
    // The next start has the colours before the app answers.
    localStorage.setItem(THEME, settings.value.theme);
  });

  async function load(): Promise<void> {
    try {
      settings.value = { ...defaults, ...(await useBridge().call('settings.get')) };
    } catch (error) {
      useNotificationStore().failure(i18n.global.t('settings.failed'), error);
    }
  }

  async function set(changes: Partial<Settings>): Promise<void> {
    settings.value = { ...settings.value, ...changes };
    try {
      await useBridge().call('settings.set', changes);
    } catch (error) {
      useNotificationStore().failure(i18n.global.t('settings.failed'), error);
    }
  }

  return { settings, theme, load, set };
});
