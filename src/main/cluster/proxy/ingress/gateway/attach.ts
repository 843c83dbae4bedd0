import type { Namespace } from '@shared/k8s';
import { oldestFirst } from '../from-ingress';
import { sharedHostnames } from './hostnames';
import { letsIn, type KnownListener, type Verdict } from './listeners';
import { byPrecedence, readRoute, type RuleSources } from './rules';
import { gatewayGroup, type HttpRoute, type ParentReference } from './types';

/** What became of a route at one of its parents that is ours. */
export interface Attachment {
  route: HttpRoute;
  parent: ParentReference;
  verdicts: Verdict[];
}

/**
 * Attaches routes to the listeners that let them in, and adds what they serve to
 * the site, the oldest first. @returns what to say in their status; listeners are counted in `attached`
 */
export function attachRoutes(
  routes: readonly HttpRoute[],
  listeners: readonly KnownListener[],
  sources: RuleSources & { namespace(name: string): Namespace | undefined },
  attached: Map<KnownListener, number>,
): Attachment[] {
  const attachments: Attachment[] = [];
  const ordered: { server: ReturnType<RuleSources['site']['server']>; add: ReturnType<typeof readRoute>['routes'] }[] =
    [];
  for (const route of oldestFirst(routes)) {
    const read = readRoute(route, sources);
    for (const parent of route.spec.parentRefs ?? []) {
      const own = listenersAt(parent, route, listeners);
      if (!own) continue;
      const found = matching(own, parent, route, sources.namespace(route.metadata.namespace!));
      const accepted: Verdict =
        'reason' in found
          ? { type: 'Accepted', status: 'False', ...found }
          : (read.unsupported ?? {
              type: 'Accepted',
              status: 'True',
              reason: 'Accepted',
              message: 'the route is served',
            });
      attachments.push({ route, parent, verdicts: [accepted, read.resolvedRefs] });
      if ('reason' in found) continue;
      for (const { known, hosts } of found.at) {
        attached.set(known, (attached.get(known) ?? 0) + 1);
        if (!known.works) continue;
        for (const host of hosts) {
          const server = sources.site.server(known.scheme, host, 'many');
          if (known.certificate) {
            sources.site.certificate(known.certificate.name, known.certificate.pem);
            server.certificate ??= known.certificate.name;
          }
          ordered.push({ server, add: read.routes });
        }
      }
    }
  }
  const added = new Map<(typeof ordered)[number]['server'], ReturnType<(typeof ordered)[number]['add']>>();
  for (const { server, add } of ordered) added.set(server, [...(added.get(server) ?? []), ...add(server.scheme)]);
  for (const [server, all] of added) server.routes.push(...all.sort(byPrecedence));
  return attachments;
}

/** The listeners of the Gateway that a parent reference names, when it is ours. */
function listenersAt(parent: ParentReference, route: HttpRoute, listeners: readonly KnownListener[]) {
  const { group = gatewayGroup, kind = 'Gateway', name, namespace = route.metadata.namespace } = parent;
  if (group !== gatewayGroup || kind !== 'Gateway') return undefined;
  const own = listeners.filter(
    ({ gateway }) => gateway.metadata.name === name && gateway.metadata.namespace === namespace,
  );
  return own.length ? own : undefined;
}

function matching(
  own: KnownListener[],
  { sectionName, port }: ParentReference,
  route: HttpRoute,
  namespace: Namespace | undefined,
): { at: { known: KnownListener; hosts: string[] }[] } | { reason: string; message: string } {
  const named = own.filter(
    ({ listener }) => (!sectionName || listener.name === sectionName) && (!port || listener.port === port),
  );
  if (!named.length) return { reason: 'NoMatchingParent', message: 'the Gateway has no such listener' };
  const open = named.filter((known) => letsIn(known, route, namespace));
  if (!open.length)
    return {
      reason: 'NotAllowedByListeners',
      message: `no listener takes HTTPRoutes of namespace "${route.metadata.namespace}"`,
    };
  const at = open
    .map((known) => ({ known, hosts: sharedHostnames(known.listener.hostname, route.spec.hostnames) }))
    .filter(({ hosts }) => hosts.length > 0);
  return at.length
    ? { at }
    : { reason: 'NoMatchingListenerHostname', message: 'no listener has a hostname that the route has too' };
}
