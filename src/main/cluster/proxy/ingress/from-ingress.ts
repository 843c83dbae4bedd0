import type { Ingress, IngressBackend, KubeObject, Secret } from '@shared/k8s';
import { readAnnotations, type Wishes } from './annotations';
import type { Backends } from './backends';
import { addCanary } from './canary';
import { certificateOf } from './certificates';
import type { Action, Finding, Route, RoutePath, Server, Settings, Target } from './model';
import { escapeRegex } from './quoting';
import { SiteBuilder } from './site-builder';

/** What Ingresses are resolved against. */
export interface IngressSources {
  backends: Backends;
  secret(namespace: string, name: string): Secret | undefined;
  /** The ports clients see. */
  ports: { http: number; https: number };
}

type Path = NonNullable<NonNullable<NonNullable<Ingress['spec']>['rules']>[number]['http']>['paths'][number];

/** ingress-nginx' own, so that what works there works here. */
const defaults: Settings = { maxBodySize: '1m' };

/**
 * Adds what Ingresses ask for to a site; the oldest comes first where two want the
 * same. Pure. @returns what their owners should hear of
 */
export function addIngresses(site: SiteBuilder, ingresses: readonly Ingress[], sources: IngressSources): Finding[] {
  const findings: Finding[] = [];
  const owners = new Map<string, Ingress>();
  const served: OneIngress[] = [];
  const canaries: (() => void)[] = [];
  for (const ingress of oldestFirst(ingresses)) {
    const say = (reason: string, message: string): void => void findings.push({ object: ingress, reason, message });
    const { wishes, complaints } = readAnnotations(ingress);
    for (const { reason, message } of complaints) say(reason, message);
    const { canary } = wishes;
    if (canary) canaries.push(() => addCanary(site, ingress, canary, sources, say));
    else served.push(new OneIngress(site, ingress, wishes, sources, owners, say));
  }
  for (const ingress of served) ingress.addRules();
  // Whatever anybody wants by a rule comes before what is left over.
  for (const ingress of served) ingress.addDefaultBackend();
  for (const add of canaries) add();
  return findings;
}

/** Oldest first, then by namespace and name: who came first keeps what both want. */
export function oldestFirst<T extends KubeObject>(objects: readonly T[]): T[] {
  const age = ({ metadata }: T): string =>
    `${metadata?.creationTimestamp ?? ''} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
  return objects.toSorted((a, b) => (age(a) < age(b) ? -1 : 1));
}

class OneIngress {
  private readonly namespace: string;
  private readonly settings: Settings;

  constructor(
    private readonly site: SiteBuilder,
    private readonly ingress: Ingress,
    private readonly wishes: Wishes,
    private readonly sources: IngressSources,
    private readonly owners: Map<string, Ingress>,
    private readonly say: (reason: string, message: string) => void,
  ) {
    this.namespace = ingress.metadata.namespace!;
    this.settings = { ...defaults, ...wishes.settings };
  }

  addRules(): void {
    for (const { host = '', http } of this.ingress.spec?.rules ?? []) {
      for (const entry of http?.paths ?? []) this.route(host, this.pathOf(entry), entry.backend);
      if (this.wishes.appRoot) this.appRoot(host, this.wishes.appRoot);
    }
  }

  /** It answers for all hosts that nobody has, and for the rules' hosts where none of their paths matches. */
  addDefaultBackend(): void {
    const { rules = [], defaultBackend } = this.ingress.spec ?? {};
    if (!defaultBackend) return;
    for (const host of new Set([...rules.map((rule) => rule.host ?? ''), '']))
      this.route(host, { type: 'Prefix', value: '/' }, defaultBackend, true);
  }

  private pathOf({ path = '/', pathType }: Path): RoutePath {
    const value = path || '/';
    // Groups in the target can only come from a regular expression.
    const asRegex = this.wishes.useRegex || /\$[1-9]/.test(this.wishes.rewriteTarget ?? '');
    if (asRegex && pathType !== 'Exact')
      return { type: 'Regex', value: `^${value}`, ignoreCase: true, length: value.length };
    return { type: pathType === 'Exact' ? 'Exact' : 'Prefix', value };
  }

  private route(host: string, path: RoutePath, backend: IngressBackend, fallback = false): void {
    const key = `${host} ${path.type} ${path.value.replace(/(.)\/$/, '$1')}`;
    const owner = this.owners.get(key);
    if (owner && !fallback && owner !== this.ingress) {
      const place = `${host || '*'}${path.value}`;
      const { namespace, name } = owner.metadata;
      this.say('Conflict', `${place} is served by the older ingress "${namespace}/${name}" already`);
    }
    if (!owner) this.owners.set(key, this.ingress);
    const action = this.actionOf(path, backend);
    if (action) this.both(host, { source: this.ingress, path, conditions: [], action, settings: this.settings });
  }

  /** The route for http and for https, or a redirect from one to the other. */
  private both(host: string, route: Route): void {
    const { sslRedirect = true, forceSslRedirect } = this.wishes;
    const certificate = this.certificateFor(host);
    const secure = this.server('https', host);
    secure.certificate ??= certificate?.name;
    secure.routes.push(route);
    const redirect = forceSslRedirect || (certificate !== undefined && sslRedirect);
    const toHttps: Action = { kind: 'redirect', status: 308, scheme: 'https', port: this.sources.ports.https };
    this.server('http', host).routes.push(redirect ? { ...route, action: toHttps, settings: {} } : route);
  }

  private server(scheme: Server['scheme'], host: string): Server {
    return this.site.server(scheme, host, 'one');
  }

  private appRoot(host: string, root: string): void {
    for (const scheme of ['http', 'https'] as const) {
      const action: Action = {
        kind: 'redirect',
        status: 302,
        port: this.sources.ports[scheme],
        path: { replaceFull: root },
      };
      const path: RoutePath = { type: 'Exact', value: '/' };
      this.server(scheme, host).routes.push({ source: this.ingress, path, conditions: [], action, settings: {} });
    }
  }

  private actionOf(path: RoutePath, backend: IngressBackend): Action | undefined {
    const { wishes } = this;
    if (wishes.redirect) return { kind: 'redirect', port: 0, ...wishes.redirect };
    const { service, resource } = backend;
    if (!service) {
      this.say('InvalidBackend', `${resource?.kind} "${resource?.name}" cannot be a backend here: only services can`);
      return { kind: 'respond', status: 503 };
    }
    const cookie = wishes.affinity;
    const found = this.sources.backends.resolve(
      this.namespace,
      service.name,
      service.port?.number ?? service.port?.name,
    );
    if ('missing' in found) this.say('InvalidBackend', found.message);
    const upstream = 'upstream' in found ? this.site.upstream(found.upstream, cookie?.cookie) : undefined;
    const target: Target = { weight: 1, ...(upstream ? { upstream } : { status: 503 }) };
    const pattern = path.type === 'Regex' ? path.value : `^${escapeRegex(path.value)}`;
    return {
      kind: 'proxy',
      targets: [target],
      protocol: wishes.protocol,
      ...(wishes.rewriteTarget ? { rewrite: { pattern, ignoreCase: true, replacement: wishes.rewriteTarget } } : {}),
      ...(wishes.hostHeader ? { hostHeader: wishes.hostHeader } : {}),
      ...(cookie
        ? { cookie: { name: cookie.cookie, path: cookie.path ?? '/', maxAgeSeconds: cookie.maxAgeSeconds } }
        : {}),
    };
  }

  /** The certificate for a host that `tls` names, `{}` for the default one; undefined where it names none. */
  private certificateFor(host: string): { name?: string } | undefined {
    const wildcard = host.replace(/^[^.]+\./, '*.');
    const entries = this.ingress.spec?.tls ?? [];
    const entry =
      entries.find(({ hosts }) => hosts?.includes(host)) ??
      entries.find(({ hosts }) => hosts?.includes(wildcard)) ??
      entries.find(({ hosts }) => !hosts?.length);
    if (!entry) return undefined;
    if (!entry.secretName) return {};
    const fault = (why: string): object => {
      this.say(
        'InvalidCertificate',
        `secret "${entry.secretName}" is not used for ${host || '*'}, the default certificate is: ${why}`,
      );
      return {};
    };
    const secret = this.sources.secret(this.namespace, entry.secretName);
    if (!secret) return fault('it does not exist');
    const certificate = certificateOf(secret);
    if ('fault' in certificate) return fault(certificate.fault);
    if (!certificate.covers(host)) return fault('its certificate is for other hosts');
    this.site.certificate(certificate.name, certificate.pem);
    return { name: certificate.name };
  }
}
