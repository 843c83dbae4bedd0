import { flag } from './reads';
import type { Route } from './router';

/** The verb of a request for a resource, as roles and audit name it; undefined for a method that has none. */
export function requestVerb(
  method: string,
  route: Extract<Route, { type: 'resource' }>,
  query: URLSearchParams,
): string | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (route.subresource === undefined && (route.watch || flag(query, 'watch'))) return 'watch';
      return route.name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return route.name === undefined ? 'deletecollection' : 'delete';
    default:
      return undefined;
  }
}
