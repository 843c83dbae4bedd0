import { corsLines } from './cors';
import { define, defineMap, type Output } from './lines';
import type { HeaderChange, ProxyAction, RedirectAction, Route, Settings } from './model';
import { escapeRegex, headerVariable, literal, pattern, replacement, UnfitValue } from './quoting';

/** What stands in the location of a route. @throws UnfitValue for values that cannot be written down */
export function renderAction(route: Route, output: Output): string[] {
  const { action, settings } = route;
  if (action.kind === 'respond') return [`return ${action.status};`];
  if (action.kind === 'redirect') return [`return ${action.status} ${redirectUrl(action, output)};`];
  return [...accessLines(settings), ...corsLines(settings.cors, output), ...proxyLines(action, settings, output)];
}

/** Only what the client sent encoded goes into the answer's header: decoded paths may hold line ends. */
function redirectUrl({ url, scheme, host, port, path }: RedirectAction, output: Output): string {
  if (url !== undefined) return literal(url);
  const usual = scheme === 'https' ? 443 : scheme === 'http' ? 80 : undefined;
  const shown =
    usual === undefined
      ? defineMap(output, '$scheme', [
          `https "${port === 443 ? '' : `:${port}`}";`,
          `default "${port === 80 ? '' : `:${port}`}";`,
        ])
      : port === usual
        ? ''
        : `:${port}`;
  const start = `${scheme ?? '$scheme'}://${host === undefined ? '$host' : inner(literal(host))}${shown}`;
  if (!path) return `"${start}$request_uri"`;
  if ('replaceFull' in path) return `"${start}${inner(literal(path.replaceFull))}$is_args$args"`;
  const from = path.replacePrefix.replace(/\/$/, '');
  const rest = defineMap(output, '$request_uri', [
    `${pattern(`~*^${escapeRegex(from)}/?(?<gantry_rest>[^?]*)`)} $gantry_rest;`,
    'default "";',
  ]);
  const to = inner(literal(path.with.replace(/\/$/, '')));
  const slash = defineMap(output, rest, [`"" "${to === '' ? '/' : ''}";`, `default "/";`]);
  return `"${start}${to}${slash}${rest}$is_args$args"`;
}

/** A token without its quotes, to become part of another. */
const inner = (token: string): string => token.slice(1, -1);

const accessLines = ({ allow }: Settings): string[] =>
  allow ? [...allow.map((range) => `allow ${range};`), 'deny all;'] : [];

/** What every request carries to its backend. */
function requestHeaders(action: ProxyAction, settings: Settings, output: Output): Map<string, string> {
  const headers = new Map([
    ['Host', action.hostHeader === undefined ? '$http_host' : literal(action.hostHeader)],
    ['X-Request-ID', '$request_id'],
    ['X-Real-IP', '$remote_addr'],
    ['X-Forwarded-For', '$remote_addr'],
    ['X-Forwarded-Host', '$http_host'],
    ['X-Forwarded-Port', '$gantry_port'],
    ['X-Forwarded-Proto', '$scheme'],
    ['X-Forwarded-Scheme', '$scheme'],
    ['X-Scheme', '$scheme'],
  ]);
  if (!action.protocol.startsWith('grpc')) {
    headers.set('Upgrade', '$http_upgrade');
    headers.set('Connection', '$connection_upgrade');
  }
  for (const change of settings.requestHeaders ?? []) {
    const { name, variable } = checkedHeader(change);
    const same = [...headers.keys()].find((key) => key.toLowerCase() === name.toLowerCase());
    if (same) headers.delete(same);
    if (change.action === 'remove') headers.set(name, '""');
    else if (change.action === 'set') headers.set(name, literal(change.value));
    else {
      const both = `"$http_${variable},${inner(literal(change.value))}"`;
      headers.set(name, defineMap(output, `$http_${variable}`, [`"" ${literal(change.value)};`, `default ${both};`]));
    }
  }
  return headers;
}

function checkedHeader({ name }: HeaderChange): { name: string; variable: string } {
  const variable = headerVariable(name);
  if (!variable) throw new UnfitValue(`a header named ${JSON.stringify(name)} cannot be changed`);
  return { name, variable };
}

function proxyLines(action: ProxyAction, settings: Settings, output: Output): string[] {
  const word = action.protocol.startsWith('grpc') ? 'grpc' : 'proxy';
  const seconds = (directive: string, value: number | undefined, usual: number): string =>
    `${word}_${directive}_timeout ${value ?? usual}s;`;
  const lines = [
    ...(settings.maxBodySize ? [`client_max_body_size ${settings.maxBodySize};`] : []),
    seconds('connect', settings.connectTimeoutSeconds, 5),
    seconds('send', settings.sendTimeoutSeconds, 60),
    seconds('read', settings.readTimeoutSeconds, 60),
  ];
  if (word === 'proxy') {
    lines.push(`proxy_buffering ${settings.buffering ? 'on' : 'off'};`);
    if (settings.requestBuffering === false) lines.push('proxy_request_buffering off;');
  }
  for (const [name, value] of requestHeaders(action, settings, output))
    lines.push(`${word}_set_header ${name} ${value};`);
  for (const change of settings.responseHeaders ?? []) {
    const { name } = checkedHeader(change);
    if (change.action !== 'add') lines.push(`${word}_hide_header ${name};`);
    if (change.action !== 'remove') lines.push(`add_header ${name} ${literal(change.value)} always;`);
  }
  if (action.cookie) lines.push(cookieLine(action.cookie, output));
  if (action.rewrite) {
    const { pattern: from, ignoreCase, replacement: to } = action.rewrite;
    lines.push(`rewrite ${pattern(`${ignoreCase ? '(?i)' : ''}${from}`)} ${replacement(to)} break;`);
  }
  const scheme = { http: 'http', https: 'https', grpc: 'grpc', grpcs: 'grpcs' }[action.protocol];
  return [...lines, ...passLines(word, scheme, action, output)];
}

function passLines(word: string, scheme: string, { targets }: ProxyAction, output: Output): string[] {
  const used = targets.filter(({ weight }) => weight > 0);
  const only = used.length === 1 ? used[0]! : undefined;
  if (used.length === 0) return ['return 500;'];
  if (only) return only.upstream ? [`${word}_pass ${scheme}://${only.upstream};`] : [`return ${only.status ?? 503};`];
  const total = used.reduce((sum, { weight }) => sum + weight, 0);
  const rows = used.map(({ upstream, status = 503, weight }, index) => {
    const share = index === used.length - 1 ? '*' : `${((100 * weight) / total).toFixed(2)}%`;
    return `${share} ${upstream ?? `gantry_${status}`};`;
  });
  // A share of nothing is no share to nginx.
  const split = defineMap(
    output,
    '$request_id',
    rows.filter((row) => !row.startsWith('0.00%')),
    'split_clients',
  );
  return [`${word}_pass ${scheme}://${split};`];
}

/** The cookie is set where it is missing, and its value decides about the backend at once. */
function cookieLine({ name, path, maxAgeSeconds }: NonNullable<ProxyAction['cookie']>, output: Output): string {
  const sticky = `$gantry_sticky_${name}`;
  define(output, sticky, `map $cookie_${name} ${sticky} { "" $request_id; default $cookie_${name}; }`);
  const attributes = `Path=${path}${maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`}; HttpOnly`;
  const value = defineMap(output, `$cookie_${name}`, [
    `"" "${name}=$request_id; ${inner(literal(attributes))}";`,
    'default "";',
  ]);
  return `add_header Set-Cookie ${value};`;
}
