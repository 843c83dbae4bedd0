/** Gateways and routes in the drawer. */
export const gateway = {
  title: 'Gateway',
  listeners: 'Listeners',
  routes: 'Routes',
  route: 'Route',
  match: 'Requests',
  backends: 'Backends',
  unanswered: 'has not answered yet',
};
