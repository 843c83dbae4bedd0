import type { Backends } from '../backends';
import type { HostPorts } from '../host-ports';
import type {
  Action,
  Condition,
  HeaderChange,
  RedirectAction,
  Rewrite,
  Route,
  RoutePath,
  Scheme,
  Settings,
  Target,
} from '../model';
import { escapeRegex } from '../quoting';
import type { SiteBuilder } from '../site-builder';
import type { Verdict } from './listeners';
import { isPermitted } from './references';
import type { BackendReference, Filter, HeaderFilter, HttpRoute, Match, ReferenceGrant, RouteRule } from './types';

export interface RuleSources {
  site: SiteBuilder;
  backends: Backends;
  grants: readonly ReferenceGrant[];
  ports: HostPorts;
}

/** What a route asks for, with what is wrong with it; independent of the listener but for redirects. */
export interface ReadRoute {
  routes(scheme: Scheme): Route[];
  /** Accepted: False when it asks for what is not served. */
  unsupported?: Verdict;
  resolvedRefs: Verdict;
}

class Unsupported extends Error {}

/** Reads the rules of an HTTPRoute, the most specific match first. Never throws. */
export function readRoute(route: HttpRoute, sources: RuleSources): ReadRoute {
  let resolvedRefs: Verdict = {
    type: 'ResolvedRefs',
    status: 'True',
    reason: 'ResolvedRefs',
    message: 'all references are resolved',
  };
  let unsupported: Verdict | undefined;
  const targets = new Map<RouteRule, Target[]>();
  for (const rule of route.spec.rules ?? []) {
    targets.set(
      rule,
      (rule.backendRefs ?? []).map((reference) => {
        const { target, fault } = targetOf(route, reference, sources);
        if (fault && resolvedRefs.status === 'True') resolvedRefs = { type: 'ResolvedRefs', status: 'False', ...fault };
        return target;
      }),
    );
  }
  const read = (scheme: Scheme): Route[] =>
    (route.spec.rules ?? []).flatMap((rule) =>
      (rule.matches?.length ? rule.matches : [{}]).map((match): Route => {
        const path = pathOf(match);
        const base = { source: route, path, conditions: conditionsOf(match) };
        try {
          return {
            ...base,
            settings: settingsOf(rule),
            action: actionOf(rule, match, targets.get(rule)!, scheme, sources.ports),
          };
        } catch (error) {
          if (!(error instanceof Unsupported)) throw error;
          unsupported ??= { type: 'Accepted', status: 'False', reason: 'UnsupportedValue', message: error.message };
          return { ...base, settings: {}, action: { kind: 'respond', status: 500 } };
        }
      }),
    );
  read('http');
  return { routes: read, ...(unsupported ? { unsupported } : {}), resolvedRefs };
}

function pathOf({ path = {} }: Match): RoutePath {
  const { type = 'PathPrefix', value = '/' } = path;
  if (type === 'RegularExpression')
    return { type: 'Regex', value: `^(?:${value})$`, ignoreCase: false, length: value.length };
  return { type: type === 'Exact' ? 'Exact' : 'Prefix', value };
}

function conditionsOf({ method, headers = [], queryParams = [] }: Match): Condition[] {
  const named =
    (of: 'header' | 'query') =>
    (one: { name: string; value: string; type?: string }): Condition => ({
      of,
      name: one.name,
      value: one.value,
      regex: one.type === 'RegularExpression',
    });
  return [
    ...(method ? [{ of: 'method', value: method } as const] : []),
    ...headers.map(named('header')),
    ...queryParams.map(named('query')),
  ];
}

/** Method, headers, query parameters: the order in which the Gateway API ranks matches of the same path. */
export function byPrecedence(a: Route, b: Route): number {
  for (const of of ['method', 'header', 'query'] as const) {
    const count = ({ conditions }: Route): number => conditions.filter((one) => one.of === of).length;
    const difference = count(b) - count(a);
    if (difference) return difference;
  }
  return 0;
}

function targetOf(
  route: HttpRoute,
  reference: BackendReference,
  { site, backends, grants }: RuleSources,
): { target: Target; fault?: { reason: string; message: string } } {
  const { group = '', kind = 'Service', name, namespace = route.metadata.namespace!, port, weight = 1 } = reference;
  const invalid = (reason: string, message: string) => ({
    target: { weight, status: 500 as const },
    fault: { reason, message },
  });
  if (group !== '' || kind !== 'Service') return invalid('InvalidKind', `only Services can be backends, not ${kind}`);
  if (!isPermitted(route, { ...reference, kind }, grants))
    return invalid(
      'RefNotPermitted',
      `no ReferenceGrant in "${namespace}" lets this HTTPRoute use the service "${name}"`,
    );
  const found = backends.resolve(namespace, name, port);
  if ('missing' in found) return invalid('BackendNotFound', found.message);
  const upstream = site.upstream(found.upstream);
  return { target: upstream ? { upstream, weight } : { status: 503, weight } };
}

function headerChanges(
  filters: readonly Filter[],
  of: 'requestHeaderModifier' | 'responseHeaderModifier',
): HeaderChange[] {
  return filters.flatMap((filter) => {
    const { set = [], add = [], remove = [] }: HeaderFilter = filter[of] ?? {};
    return [
      ...set.map((one) => ({ ...one, action: 'set' as const })),
      ...add.map((one) => ({ ...one, action: 'add' as const })),
      ...remove.map((name) => ({ name, value: '', action: 'remove' as const })),
    ];
  });
}

const units = { h: 3600, m: 60, s: 1, ms: 0.001 } as const;
/** In whole seconds, one at least. `0s` is no limit. */
function seconds(duration: string): number {
  let sum = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+)(ms|h|m|s)/g))
    sum += Number(amount) * units[unit as keyof typeof units];
  return sum === 0 ? 86_400 : Math.max(1, Math.ceil(sum));
}

function settingsOf({ filters = [], timeouts }: RouteRule): Settings {
  const timeout = timeouts?.backendRequest ?? timeouts?.request;
  return {
    maxBodySize: '0',
    requestHeaders: headerChanges(filters, 'requestHeaderModifier'),
    responseHeaders: headerChanges(filters, 'responseHeaderModifier'),
    ...(timeout ? { readTimeoutSeconds: seconds(timeout) } : {}),
  };
}

const served = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite']);

function actionOf(
  { filters = [], backendRefs = [] }: RouteRule,
  match: Match,
  targets: Target[],
  scheme: Scheme,
  ports: HostPorts,
): Action {
  const strange = filters.find(({ type }) => !served.has(type));
  if (strange) throw new Unsupported(`filters of type ${strange.type} are not served`);
  if (backendRefs.some((one) => one.filters?.length))
    throw new Unsupported('filters of single backends are not served');
  const redirect = filters.find(({ requestRedirect }) => requestRedirect)?.requestRedirect;
  if (redirect) {
    const action: RedirectAction = {
      kind: 'redirect',
      status: redirect.statusCode ?? 302,
      port: redirect.port ?? ports[redirect.scheme ?? scheme],
      scheme: redirect.scheme ?? scheme,
    };
    if (redirect.hostname) action.host = redirect.hostname;
    const { type, replaceFullPath = '/', replacePrefixMatch = '/' } = redirect.path ?? {};
    if (type === 'ReplaceFullPath') action.path = { replaceFull: replaceFullPath };
    if (type === 'ReplacePrefixMatch') action.path = { replacePrefix: prefixOf(match), with: replacePrefixMatch };
    return action;
  }
  const rewrite = filters.find(({ urlRewrite }) => urlRewrite)?.urlRewrite;
  return {
    kind: 'proxy',
    targets,
    protocol: 'http',
    ...(rewrite?.hostname ? { hostHeader: rewrite.hostname } : {}),
    ...(rewrite?.path ? { rewrite: rewriteOf(rewrite.path, match) } : {}),
  };
}

function prefixOf({ path }: Match): string {
  if ((path?.type ?? 'PathPrefix') !== 'PathPrefix')
    throw new Unsupported('ReplacePrefixMatch needs a match of type PathPrefix');
  return (path?.value ?? '/').replace(/\/$/, '');
}

function rewriteOf(
  {
    type,
    replaceFullPath = '/',
    replacePrefixMatch = '/',
  }: { type: string; replaceFullPath?: string; replacePrefixMatch?: string },
  match: Match,
): Rewrite {
  const wanted = type === 'ReplaceFullPath' ? replaceFullPath : replacePrefixMatch.replace(/\/$/, '');
  if (/[$?]/.test(wanted) || (wanted && !wanted.startsWith('/')))
    throw new Unsupported(`${JSON.stringify(wanted)} is no path`);
  if (type === 'ReplaceFullPath') return { pattern: '^', ignoreCase: false, replacement: wanted || '/' };
  const prefix = escapeRegex(prefixOf(match));
  return wanted === ''
    ? { pattern: `^${prefix}/?(.*)$`, ignoreCase: false, replacement: '/$1' }
    : { pattern: `^${prefix}(/.*)?$`, ignoreCase: false, replacement: `${wanted}$1` };
}
