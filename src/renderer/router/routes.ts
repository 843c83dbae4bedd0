import type { RouteRecordRaw } from 'vue-router';
import ListPage from '@/views/ListPage.vue';
import MissingPage from '@/views/MissingPage.vue';
import OverviewPage from '@/views/OverviewPage.vue';

/**
 * Addresses of the window. `detail` in the query opens the drawer over any
 * page: `pods/NAMESPACE/NAME`, or `nodes//NAME` for kinds without namespaces.
 */
export const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', component: { render: () => null } },
  { path: '/c/:cluster/overview', name: 'overview', component: OverviewPage },
  { path: '/c/:cluster/k/:kind', name: 'list', component: ListPage },
  { path: '/c/:cluster/port-forwards', name: 'port-forwards', component: () => import('@/views/PortForwardsPage.vue') },
  { path: '/settings', name: 'settings', component: () => import('@/views/SettingsPage.vue') },
  { path: '/:rest(.*)*', name: 'missing', component: MissingPage },
];
