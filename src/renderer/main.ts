import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/overlays.css';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { i18n } from './locales';
import { router } from './router';
import { routes } from './router/routes';
import { useNotificationStore } from './stores/notifications';

for (const route of routes) router.addRoute(route);
const app = createApp(App).use(createPinia()).use(i18n).use(router);

// Nothing fails in silence: what no part caught is shown where every failure is.
const report = (error: unknown): void => useNotificationStore().failure(i18n.global.t('errors.title'), error);
app.config.errorHandler = report;
window.addEventListener('unhandledrejection', (event) => report(event.reason));

app.mount('#app');
