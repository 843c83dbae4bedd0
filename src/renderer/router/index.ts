import { createRouter, createWebHashHistory } from 'vue-router';

/** The window's router. Pages are added by routes.ts, so that anything may navigate without knowing the pages. */
export const router = createRouter({ history: createWebHashHistory(), routes: [] });
