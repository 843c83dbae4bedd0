import type { Ingress } from '@shared/k8s';
import type { Canary } from './annotations';
import type { IngressSources } from './from-ingress';
import type { Condition, ProxyAction, Route, RoutePath, Target } from './model';
import { escapeRegex } from './quoting';
import type { SiteBuilder } from './site-builder';

const trimmed = (path: string): string => path.replace(/(.)\/+$/, '$1');

/** A path is the main ingress' own where both wrote the same, whatever that made of it. */
const isPath = (path: RoutePath, wanted: string, exact: boolean): boolean =>
  path.type === 'Regex'
    ? path.value === `^${wanted}`
    : (path.type === 'Exact') === exact && trimmed(path.value) === trimmed(wanted);

/** Whose requests a header or a cookie decides: the canary's, or nobody but the main ingress'. */
function decisions({
  header,
  headerValue,
  headerPattern,
  cookie,
}: Canary): { conditions: Condition[]; taken: boolean }[] {
  const byHeader = (value: string, taken = true, regex = false) => ({
    conditions: [{ of: 'header' as const, name: header!, value, ...(regex ? { regex } : {}) }],
    taken,
  });
  const byCookie = (value: string, taken: boolean) => ({
    conditions: [
      {
        of: 'header' as const,
        name: 'cookie',
        value: `(?:.*;\\s*)?${escapeRegex(cookie!)}=${value}(?:;.*)?`,
        regex: true,
      },
    ],
    taken,
  });
  const named =
    headerValue !== undefined
      ? [byHeader(headerValue)]
      : headerPattern !== undefined
        ? [byHeader(headerPattern, true, true)]
        : [byHeader('always'), byHeader('never', false)];
  return [...(header ? named : []), ...(cookie ? [byCookie('always', true), byCookie('never', false)] : [])];
}

/**
 * Gives a canary its part of the requests that another Ingress has for the same host and path: by a header, then by
 * a cookie, then by weight, as ingress-nginx does. How they are passed on is the other's to say.
 * @param say told what keeps it from being served
 */
export function addCanary(
  site: SiteBuilder,
  ingress: Ingress,
  canary: Canary,
  { backends }: IngressSources,
  say: (reason: string, message: string) => void,
): void {
  for (const { host = '', http } of ingress.spec?.rules ?? []) {
    for (const { path = '/', pathType, backend } of http?.paths ?? []) {
      const { service } = backend;
      if (!service) continue;
      const found = backends.resolve(
        ingress.metadata.namespace!,
        service.name,
        service.port?.number ?? service.port?.name,
      );
      if ('missing' in found) say('InvalidBackend', found.message);
      const upstream = 'upstream' in found ? site.upstream(found.upstream) : undefined;
      const target: Target = { weight: canary.weight, ...(upstream ? { upstream } : { status: 503 }) };
      const served = (['https', 'http'] as const).filter((scheme) =>
        divide(site.routesOf(scheme, host), { ingress, canary, target, path, exact: pathType === 'Exact' }),
      );
      if (served.length === 0)
        say('InvalidCanary', `no other ingress serves ${host || '*'}${path}, of which this is to get a part`);
    }
  }
}

/** @returns whether there is something to divide */
function divide(
  routes: Route[],
  wanted: { ingress: Ingress; canary: Canary; target: Target; path: string; exact: boolean },
): boolean {
  const { ingress, canary, target } = wanted;
  const index = routes.findIndex(
    ({ path, conditions, action }) =>
      conditions.length === 0 &&
      action.kind === 'proxy' &&
      // One canary is all that there may be.
      action.targets.length === 1 &&
      isPath(path, wanted.path, wanted.exact),
  );
  const main = routes[index];
  if (!main) return false;
  const action = main.action as ProxyAction;
  const taking: ProxyAction = { ...action, targets: [{ ...target, weight: 1 }] };
  const before = decisions(canary).map(({ conditions, taken }): Route => {
    return { ...main, source: ingress, conditions, action: taken ? taking : action };
  });
  const rest = Math.max(0, canary.total - canary.weight);
  const shared = [...action.targets.map((one) => ({ ...one, weight: rest })), target];
  const divided: Route = canary.weight > 0 ? { ...main, action: { ...action, targets: shared } } : main;
  routes.splice(index, 1, ...before, divided);
  return true;
}
