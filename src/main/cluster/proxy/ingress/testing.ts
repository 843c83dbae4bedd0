/** Objects and a small nginx for tests: it decides as nginx does about what was rendered. */
import type { EndpointSlice, Ingress, Service } from '@shared/k8s';
import { endpoint, slice } from '../testing';
import { createBackends, type Backends } from './backends';
import { addIngresses } from './from-ingress';
import { locationsOf } from './locations';
import type { Action, Finding, Site } from './model';
import { SiteBuilder } from './site-builder';

let counter = 0;

/** Services `NAME` of `default` with port 80 (`http`), each with one endpoint `10.0.0.N`. */
export function backendsOf(...names: string[]): Backends {
  const services = new Map<string, Service>();
  const slices: EndpointSlice[] = [];
  for (const [index, name] of names.entries()) {
    const spec = { ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
    services.set(`default/${name}`, { metadata: { namespace: 'default', name }, spec } as Service);
    slices.push(slice('default', name, [endpoint(`10.0.0.${index + 1}`)], [{ name: 'http', port: 8080 }]));
  }
  return createBackends((namespace, name) => services.get(`${namespace}/${name}`), slices);
}

export interface Rule {
  host?: string;
  path?: string;
  type?: 'Exact' | 'Prefix' | 'ImplementationSpecific';
  to: string;
  port?: number | string;
}

/** An Ingress of `default`; later ones are younger. */
export function ingress(
  rules: Rule[],
  more: { annotations?: Record<string, string>; spec?: Partial<Ingress['spec']> } = {},
): Ingress {
  const number = ++counter;
  const annotations = Object.fromEntries(
    Object.entries(more.annotations ?? {}).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]),
  );
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace: 'default',
      name: `ingress-${number}`,
      uid: `uid-${number}`,
      annotations,
      creationTimestamp: `2026-01-01T00:00:${String(number % 60).padStart(2, '0')}Z`,
    },
    spec: {
      rules: rules.map(({ host, path = '/', type = 'Prefix', to, port = 80 }) => ({
        ...(host === undefined ? {} : { host }),
        http: {
          paths: [
            {
              path,
              pathType: type,
              backend: { service: { name: to, port: typeof port === 'number' ? { number: port } : { name: port } } },
            },
          ],
        },
      })),
      ...more.spec,
    },
  } as unknown as Ingress;
}

/** The site that Ingresses make, with what their owners hear. */
export function siteOf(
  ingresses: Ingress[],
  backends: Backends,
  secret: Parameters<typeof addIngresses>[2]['secret'] = () => undefined,
): { site: Site; findings: Finding[] } {
  const builder = new SiteBuilder();
  const findings = addIngresses(builder, ingresses, { backends, secret, ports: { http: 80, https: 8443 } });
  return { site: builder.build(), findings };
}

export interface Question {
  scheme?: 'http' | 'https';
  host: string;
  path: string;
  method?: string;
  headers?: Record<string, string>;
  query?: Record<string, string>;
}

/** What a site does with a request; undefined is 404. */
export function answer(site: Site, { scheme = 'http', host, path, ...asked }: Question): Action | undefined {
  const servers = site.servers.filter((server) => server.scheme === scheme);
  const matches = (name: string, labels: string): boolean =>
    name.startsWith('*.') &&
    host.endsWith(name.slice(1)) &&
    (labels === 'many' || !host.slice(0, 1 - name.length).includes('.'));
  const server =
    servers.find((one) => one.host === host) ??
    servers.filter((one) => matches(one.host, one.labels)).sort((a, b) => b.host.length - a.host.length)[0] ??
    servers.find((one) => one.host === '');
  if (!server) return undefined;
  const locations = locationsOf(server);
  const unquoted = (match: string): string => JSON.parse(match) as string;
  const exact = locations.find(({ match }) => match.startsWith('= ') && unquoted(match.slice(2)) === path);
  const regex = locations.find(({ match }) => {
    const found = /^(~\*?) (".*")$/.exec(match);
    return found && new RegExp(unquoted(found[2]!), found[1] === '~*' ? 'i' : '').test(path);
  });
  const prefix = locations
    .filter(({ match }) => match.startsWith('"') && path.startsWith(unquoted(match)))
    .sort((a, b) => b.match.length - a.match.length)[0];
  const held = ({
    of,
    name,
    value,
    regex: isRegex,
  }: Site['servers'][number]['routes'][number]['conditions'][number]): boolean => {
    const given =
      of === 'method' ? (asked.method ?? 'GET') : of === 'header' ? asked.headers?.[name] : asked.query?.[name];
    return given !== undefined && (isRegex ? new RegExp(`^(?:${value})$`).test(given) : given === value);
  };
  return (exact ?? regex ?? prefix)?.routes.find(({ conditions }) => conditions.every(held))?.action;
}

/** The upstream a request goes to, or its status, or the URL's parts of a redirect. */
export function outcome(site: Site, question: Question): string {
  const action = answer(site, question);
  if (!action) return '404';
  if (action.kind === 'respond') return String(action.status);
  if (action.kind === 'redirect') return `${action.status} ${action.url ?? `${action.scheme ?? ''}:${action.port}`}`;
  const [target] = action.targets;
  return target?.upstream ?? String(target?.status);
}
