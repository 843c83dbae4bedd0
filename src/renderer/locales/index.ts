import { createI18n } from 'vue-i18n';
import { en } from './en';

/** The window's texts. Messages are interpreted, never compiled to code: the page may not evaluate strings. */
export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: { en } });
