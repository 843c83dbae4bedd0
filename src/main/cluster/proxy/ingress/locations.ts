import type { Route, RoutePath, Server } from './model';
import { escapeRegex, pattern } from './quoting';

/** A `location` of nginx with the routes that may answer there, the best first. */
export interface Location {
  /** What stands behind the word `location`. */
  match: string;
  /** All but the last have conditions. */
  routes: Route[];
}

const trimmed = (path: string): string => path.replace(/(.)\/+$/, '$1');
/** Paths are compared with what the request's path decodes to. */
const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** Whether a path prefix matches a path, element by element. */
const covers = (prefix: string, path: string): boolean =>
  prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);

/**
 * The locations of a server, in the order in which nginx has to read them.
 * Exact paths come before prefixes and longer prefixes before shorter ones; a
 * request that does not meet a route's conditions falls through to the next
 * shorter prefix. Where a host has regular expressions, prefixes become regular
 * expressions too and the longest is tried first, as ingress-nginx does it.
 */
export function locationsOf({ routes }: Pick<Server, 'routes'>): Location[] {
  const exact = new Map<string, Route[]>();
  const prefixes = new Map<string, Route[]>();
  const regexes = new Map<string, { path: Extract<RoutePath, { type: 'Regex' }>; routes: Route[] }>();
  const put = (map: Map<string, Route[]>, key: string, route: Route): void =>
    void (map.get(key)?.push(route) ?? map.set(key, [route]));
  for (const route of routes) {
    const { path } = route;
    if (path.type !== 'Regex') {
      const key = decoded(path.value);
      if (path.type === 'Exact') put(exact, key, route);
      else put(prefixes, trimmed(key), route);
      continue;
    }
    const key = `${path.ignoreCase} ${path.value}`;
    const group = regexes.get(key);
    if (group) group.routes.push(route);
    else regexes.set(key, { path, routes: [route] });
  }
  const byLength = [...prefixes].sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
  const covering = (path: string): Route[] => byLength.flatMap(([prefix, own]) => (covers(prefix, path) ? own : []));
  const locations: Location[] = [];
  const add = (match: string, candidates: Route[]): void =>
    void locations.push({ match, routes: untilUnconditional(candidates) });
  for (const [path, own] of exact) add(`= ${literalPath(path)}`, [...own, ...covering(path)]);
  if (regexes.size === 0) {
    for (const [prefix] of byLength) {
      if (prefix !== '/' && !exact.has(prefix)) add(`= ${literalPath(prefix)}`, covering(prefix));
      add(literalPath(prefix === '/' ? '/' : `${prefix}/`), covering(prefix));
    }
    return locations;
  }
  const ordered = [
    ...[...regexes.values()].map(({ path, routes: own }) => ({
      match: `${path.ignoreCase ? '~*' : '~'} ${pattern(path.value)}`,
      length: path.length,
      own,
    })),
    ...byLength.map(([prefix]) => ({
      match: `~* ${pattern(prefix === '/' ? '^/' : `^${escapeRegex(prefix)}(?:/|$)`)}`,
      length: prefix.length,
      own: covering(prefix),
    })),
  ].sort((a, b) => b.length - a.length);
  for (const { match, own } of ordered) add(match, own);
  return locations;
}

/** nginx fills in no variables there: `$` stands for itself. */
const literalPath = pattern;

function untilUnconditional(routes: Route[]): Route[] {
  const end = routes.findIndex(({ conditions }) => conditions.length === 0);
  return end < 0 ? routes : routes.slice(0, end + 1);
}
