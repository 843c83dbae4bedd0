import type { Namespace, Secret } from '@shared/k8s';
import { matchesSelector } from '@shared/selectors';
import { certificateOf } from '../certificates';
import type { HostPorts } from '../host-ports';
import type { Scheme } from '../model';
import { isPermitted } from './references';
import { gatewayGroup, type Gateway, type HttpRoute, type Listener, type ReferenceGrant } from './types';

/** A condition before it is compared with what the status says already. */
export interface Verdict {
  type: string;
  status: 'True' | 'False';
  reason: string;
  message: string;
}

/** What is known about a listener of a Gateway. */
export interface KnownListener {
  gateway: Gateway;
  listener: Listener;
  scheme: Scheme;
  /** Routes are served through it. */
  works: boolean;
  certificate?: { name: string; pem: string };
  verdicts: Verdict[];
  takesHttpRoutes: boolean;
}

export interface ListenerSources {
  ports: HostPorts;
  secret(namespace: string, name: string): Secret | undefined;
  grants: readonly ReferenceGrant[];
}

const yes = (type: string, reason = type, message = ''): Verdict => ({ type, status: 'True', reason, message });
const no = (type: string, reason: string, message: string): Verdict => ({ type, status: 'False', reason, message });

/** Looks at all listeners of a Gateway. Pure. */
export function listenersOf(gateway: Gateway, sources: ListenerSources): KnownListener[] {
  return gateway.spec.listeners.map((listener) => {
    const accepted = acceptance(listener, sources.ports);
    const conflict = conflictOf(listener, gateway.spec.listeners);
    const kinds = kindsOf(listener);
    const certificate: ReturnType<typeof certificateFor> | { none: true } =
      listener.protocol === 'HTTPS' ? certificateFor(gateway, listener, sources) : { none: true };
    const resolved =
      kinds.fault ??
      ('fault' in certificate ? certificate.fault : undefined) ??
      yes('ResolvedRefs', 'ResolvedRefs', 'all references are resolved');
    const works = accepted.status === 'True' && !conflict && !('fault' in certificate);
    return {
      gateway,
      listener,
      scheme: listener.protocol === 'HTTPS' ? 'https' : 'http',
      works,
      ...('pem' in certificate ? { certificate } : {}),
      takesHttpRoutes: kinds.http,
      verdicts: [
        accepted,
        works ? yes('Programmed') : no('Programmed', 'Invalid', 'the listener is not served: see the other conditions'),
        resolved,
        conflict ?? no('Conflicted', 'NoConflicts', ''),
      ],
    } satisfies KnownListener;
  });
}

function acceptance({ protocol, port, tls }: Listener, ports: HostPorts): Verdict {
  const served = { HTTP: [80, ports.http], HTTPS: [443, ports.https] }[protocol];
  if (!served) return no('Accepted', 'UnsupportedProtocol', `only HTTP and HTTPS are served, not ${protocol}`);
  if (protocol === 'HTTPS' && tls?.mode === 'Passthrough')
    return no('Accepted', 'UnsupportedProtocol', 'TLS is terminated here: Passthrough is not served');
  if (!served.includes(port)) {
    const message = `${protocol} is served on port ${[...new Set(served)].join(' or ')}, not ${port}`;
    return no('Accepted', 'PortUnavailable', message);
  }
  return yes('Accepted');
}

function conflictOf(listener: Listener, all: readonly Listener[]): Verdict | undefined {
  const others = all.filter((other) => other !== listener && other.port === listener.port);
  if (others.some(({ protocol }) => protocol !== listener.protocol))
    return yes('Conflicted', 'ProtocolConflict', `port ${listener.port} has listeners of several protocols`);
  if (others.some(({ hostname }) => (hostname ?? '') === (listener.hostname ?? '')))
    return yes('Conflicted', 'HostnameConflict', `another listener has port ${listener.port} and the same hostname`);
  return undefined;
}

function kindsOf({ allowedRoutes }: Listener): { http: boolean; fault?: Verdict } {
  const kinds = allowedRoutes?.kinds;
  if (!kinds?.length) return { http: true };
  const isHttp = ({ group = gatewayGroup, kind }: { group?: string; kind: string }): boolean =>
    group === gatewayGroup && kind === 'HTTPRoute';
  const other = kinds.find((one) => !isHttp(one));
  return {
    http: kinds.some(isHttp),
    ...(other
      ? { fault: no('ResolvedRefs', 'InvalidRouteKinds', `only HTTPRoutes are served, not ${other.kind}`) }
      : {}),
  };
}

function certificateFor(
  gateway: Gateway,
  { tls }: Listener,
  { secret, grants }: ListenerSources,
): { name: string; pem: string } | { fault: Verdict } {
  const refused = (reason: string, message: string) => ({ fault: no('ResolvedRefs', reason, message) });
  const reference = tls?.certificateRefs?.[0];
  if (!reference)
    return refused('InvalidCertificateRef', 'an HTTPS listener needs a certificate in tls.certificateRefs');
  const { group = '', kind = 'Secret', name, namespace = gateway.metadata.namespace! } = reference;
  if (group !== '' || kind !== 'Secret')
    return refused('InvalidCertificateRef', `a certificate must be in a Secret, not in a ${kind}`);
  if (!isPermitted(gateway, { ...reference, kind }, grants))
    return refused('RefNotPermitted', `no ReferenceGrant in "${namespace}" lets this Gateway use the secret "${name}"`);
  const found = secret(namespace, name);
  if (!found) return refused('InvalidCertificateRef', `the secret "${namespace}/${name}" does not exist`);
  const certificate = certificateOf(found);
  return 'fault' in certificate
    ? refused('InvalidCertificateRef', `the secret "${namespace}/${name}" cannot be used: ${certificate.fault}`)
    : { name: certificate.name, pem: certificate.pem };
}

/** Whether a listener lets routes of the route's namespace attach. */
export function letsIn(known: KnownListener, route: HttpRoute, namespace: Namespace | undefined): boolean {
  if (!known.takesHttpRoutes) return false;
  const { from = 'Same', selector } = known.listener.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return true;
  if (from === 'Selector') return matchesSelector(selector, namespace?.metadata.labels ?? {});
  return route.metadata.namespace === known.gateway.metadata.namespace;
}
