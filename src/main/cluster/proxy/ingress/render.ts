import { createHash } from 'node:crypto';
import type { KubeObject } from '@shared/k8s';
import { renderAction } from './actions';
import { conditionVariable } from './conditions';
import { locationsOf, type Location } from './locations';
import type { Route, Server, Site, Upstream } from './model';
import { dollar, escapeRegex, pattern, UnfitValue } from './quoting';
import { defineMap, Lines, type Output } from './lines';

/** What nginx is given: files by name, and who wanted each line of `nginx.conf`. */
export interface Configuration {
  files: ReadonlyMap<string, string>;
  /** Changes when nginx has to be loaded anew. */
  name: string;
  /** Changes when any file does. */
  version: string;
  /** The object behind a line, from 1; undefined for what is always there. */
  source(line: number): KubeObject | undefined;
  /** Routes that were left out because they cannot be written down. */
  unfit: { object: KubeObject; message: string }[];
}

/** Answers for upstreams without endpoints, on addresses that only nginx itself reaches. */
export const statusPorts = { 500: 10500, 503: 10503 } as const;
export const defaultCertificate = 'default';

/** Where nginx takes orders, which ingress-load gives: only nginx itself reaches it. */
const orderPort = 10501;

const preamble = `load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
pid /run/ingress/nginx.pid;
error_log stderr notice;
worker_processes 2;
worker_shutdown_timeout 240s;
events { worker_connections 4096; multi_accept on; }
http {
access_log /dev/stdout;
default_type text/plain;
server_tokens off;
server_names_hash_bucket_size 512;
server_names_hash_max_size 16384;
map_hash_bucket_size 512;
variables_hash_bucket_size 256;
variables_hash_max_size 16384;
proxy_headers_hash_bucket_size 256;
proxy_headers_hash_max_size 4096;
${dollar}
map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
client_header_buffer_size 4k;
large_client_header_buffers 4 16k;
keepalive_timeout 75s;
keepalive_requests 100000;
proxy_http_version 1.1;
proxy_ssl_server_name on;
proxy_max_temp_file_size 0;
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:ssl:10m;
ssl_session_tickets off;
lua_package_path "/usr/local/share/gantry/?.lua;;";
lua_shared_dict gantry 1m;
init_by_lua_block { ingress = require "ingress" }
header_filter_by_lua_block { ingress.headers() }
server { listen 127.0.0.1:${orderPort}; access_log off; location / { content_by_lua_block { ingress.command(ngx.var.uri) } } }
server { listen 127.0.0.1:${statusPorts[500]}; access_log off; return 500; }
server { listen 127.0.0.1:${statusPorts[503]}; access_log off; return 503; }
upstream gantry_500 { server 127.0.0.1:${statusPorts[500]}; }
upstream gantry_503 { server 127.0.0.1:${statusPorts[503]}; }`;

/** Writes a site as nginx' configuration. Pure: the same site is the same text. */
export function render(site: Site, defaultPem: string, ports: { http: number; https: number }): Configuration {
  const output: Output = { variables: new Map() };
  const lines = new Lines();
  const unfit: Configuration['unfit'] = [];
  lines.add(preamble);
  // Clients see other ports than this server.
  lines.add(`map $scheme $gantry_port { https ${ports.https}; default ${ports.http}; }`);
  const servers = withDefaults(site.servers).map((server) => serverText(server, output, unfit));
  for (const { text, source } of output.variables.values()) lines.add(text, source);
  for (const upstream of site.upstreams) lines.add(upstreamText(upstream));
  for (const server of servers) lines.append(server);
  lines.add('}');
  const loaded = new Map([
    ['nginx.conf', lines.toString()],
    [`${defaultCertificate}.pem`, defaultPem],
    ...[...site.certificates].map(([name, pem]) => [`${name}.pem`, pem] as const),
  ]);
  const files = new Map([...loaded, ['endpoints', endpointsText(site.upstreams)]]);
  return {
    files,
    name: `config-${hashOf(loaded)}`,
    version: hashOf(files),
    source: (line) => lines.source(line),
    unfit,
  };
}

function hashOf(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [name, text] of [...files].sort()) hash.update(`${name}\0${text.length}\0${text}`);
  return hash.digest('hex').slice(0, 16);
}

/** A line for each upstream, which nginx reads again while it runs: pods come and go more often than anything else. */
const endpointsText = (upstreams: readonly Upstream[]): string =>
  upstreams
    .map(({ name, servers }) => `${name} ${servers.map(({ ip, port }) => `${ip}:${port}`).join(' ')}\n`)
    .join('');

/** Hosts in a stable order, with somebody who answers for all others. */
function withDefaults(servers: readonly Server[]): Server[] {
  const all = [...servers];
  for (const scheme of ['http', 'https'] as const)
    if (!all.some((one) => one.scheme === scheme && one.host === ''))
      all.push({ scheme, host: '', labels: 'one', routes: [] });
  // Regular expressions are tried in their order: the more labels, the earlier.
  const key = (one: Server): string =>
    `${String(1000 - one.host.length).padStart(4, '0')} ${one.host} ${one.labels} ${one.scheme}`;
  return all.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function serverText(server: Server, output: Output, unfit: Configuration['unfit']): Lines {
  const { host, scheme } = server;
  const lines = new Lines();
  const isDefault = host === '' ? ' default_server' : '';
  lines.add('server {');
  lines.add(scheme === 'http' ? `listen 80${isDefault};` : `listen 443${isDefault} ssl http2;`);
  lines.add(`server_name ${serverName(server)};`);
  if (scheme === 'https') {
    const file = `${server.certificate ?? defaultCertificate}.pem`;
    lines.add(`ssl_certificate ${file};\nssl_certificate_key ${file};`);
  }
  const routes = server.routes.filter((route) => fits(route, unfit));
  const locations = locationsOf({ routes });
  for (const [index, location] of locations.entries()) lines.append(locationText(location, index, output));
  if (!locations.some(({ match }) => match === '"/"' || match === '~* "^/"')) lines.add('location / { return 404; }');
  lines.add('}');
  return lines;
}

/** Tries what a route needs, so that one that cannot be written takes nobody with it. */
function fits(route: Route, unfit: Configuration['unfit']): boolean {
  try {
    locationText({ match: '', routes: [route] }, 0, { variables: new Map() });
    locationsOf({ routes: [route] });
    return true;
  } catch (error) {
    if (!(error instanceof UnfitValue)) throw error;
    unfit.push({ object: route.source, message: error.message });
    return false;
  }
}

function serverName({ host, labels }: Server): string {
  if (host === '') return '_';
  if (!/^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(host))
    throw new Error(`${JSON.stringify(host)} is no host name`);
  if (!host.startsWith('*.') || labels === 'many') return pattern(host);
  return pattern(`~^[^.]+\\.${escapeRegex(host.slice(2))}$`);
}

function locationText({ match, routes }: Location, index: number, output: Output): Lines {
  const lines = new Lines();
  const [first] = routes;
  if (routes.length === 1 && first!.conditions.length === 0) {
    lines.add(`location ${match} {`, first!.source);
    for (const line of renderAction(first!, { ...output, source: first!.source })) lines.add(line, first!.source);
    lines.add('}');
    return lines;
  }
  const names = routes.map((_, place) => `@l${index}_${place}`);
  const chosen = chooser(routes, names, output);
  // How much a request may bring is looked at before it is passed on, by the location it comes to first.
  const { maxBodySize } = routes.at(-1)!.settings;
  const most = maxBodySize ? `client_max_body_size ${maxBodySize}; ` : '';
  lines.add(`location ${match} { ${most}try_files "" ${chosen}; }`, first!.source);
  for (const [place, route] of routes.entries()) {
    lines.add(`location ${names[place]} {`, route.source);
    for (const line of renderAction(route, { ...output, source: route.source })) lines.add(line, route.source);
    lines.add('}');
  }
  if (routes.at(-1)!.conditions.length) lines.add(`location @l${index}_none { return 404; }`);
  return lines;
}

/** The variable that holds the name of the first route whose conditions hold. */
function chooser(routes: Route[], names: string[], output: Output): string {
  const all = routes.flatMap(({ conditions, source }) =>
    conditions.map((one) => conditionVariable(one, { ...output, source })),
  );
  const rows: string[] = [];
  let passed = 0;
  for (const [place, { conditions }] of routes.entries()) {
    if (conditions.length) rows.push(`"~^${'.'.repeat(passed)}${'1'.repeat(conditions.length)}" ${names[place]};`);
    else rows.push(`default ${names[place]};`);
    passed += conditions.length;
  }
  if (routes.at(-1)!.conditions.length) rows.push(`default ${names[0]!.replace(/_\d+$/, '_none')};`);
  return defineMap(output, `"${all.join('')}"`, rows);
}

function upstreamText({ name, stickyBy }: Upstream): string {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`${JSON.stringify(name)} is no name of an upstream`);
  const sticky = stickyBy ? `, ngx.var.gantry_sticky_${stickyBy}` : '';
  return [
    `upstream ${name} {`,
    // Nobody is there: which pod it is gets chosen for each request.
    'server 0.0.0.1;',
    `balancer_by_lua_block { ingress.choose("${name}"${sticky}) }`,
    'keepalive 32;',
    'keepalive_timeout 60s;',
    '}',
  ].join('\n');
}
