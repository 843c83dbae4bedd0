import type { Ingress } from '@shared/k8s';
import { isCidr } from './addresses';
import type { ProxyAction, Settings } from './model';

const prefix = 'nginx.ingress.kubernetes.io/';

/** What an Ingress asks for in annotations. */
export interface Wishes {
  settings: Settings;
  rewriteTarget?: string;
  useRegex: boolean;
  /** It belongs to another Ingress and gets a part of its requests. */
  canary?: Canary;
  /** Undefined: redirect hosts that have TLS. */
  sslRedirect?: boolean;
  forceSslRedirect: boolean;
  protocol: ProxyAction['protocol'];
  redirect?: { url: string; status: number };
  appRoot?: string;
  hostHeader?: string;
  affinity?: { cookie: string; path?: string; maxAgeSeconds?: number };
}

/** Which of another Ingress' requests are for this one. */
export interface Canary {
  /** `always` and `never` decide, unless a value or an expression is given that does. */
  header?: string;
  headerValue?: string;
  headerPattern?: string;
  /** `always` and `never` decide. */
  cookie?: string;
  /** Of `total`, what nothing else decides. */
  weight: number;
  total: number;
}

/** What could not be granted, ready for an event. */
export interface Complaint {
  reason: 'InvalidAnnotation' | 'UnsupportedAnnotation' | 'RefusedAnnotation';
  message: string;
}

type Draft = Wishes & {
  cors?: Partial<NonNullable<Settings['cors']>> & { on?: boolean };
  codes: Record<string, number>;
  share: Canary & { on?: boolean };
};
/** Puts a value into the draft, or says what it should have been. */
type Reader = (draft: Draft, value: string) => string | void;

const yes = (value: string): boolean | undefined => (value === 'true' ? true : value === 'false' ? false : undefined);
const flag =
  (put: (draft: Draft, value: boolean) => void): Reader =>
  (draft, value) => {
    const on = yes(value);
    if (on === undefined) return 'must be "true" or "false"';
    put(draft, on);
  };
const whole =
  (most: number, put: (draft: Draft, value: number) => void): Reader =>
  (draft, value) => {
    const number = /^\d{1,9}s?$/.test(value) ? parseInt(value, 10) : NaN;
    if (!(number <= most)) return `must be a whole number up to ${most}`;
    put(draft, number);
  };
const matching =
  (form: RegExp, words: string, put: (draft: Draft, value: string) => void): Reader =>
  (draft, value) => {
    if (!form.test(value) || value.length > 1000) return words;
    put(draft, value);
  };

const day = 86_400;
const url = /^https?:\/\/[^\s"\\]+$/;
const list = (value: string): string[] =>
  value
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
const readRanges: Reader = (draft, value) => {
  const ranges = list(value);
  if (!ranges.length || !ranges.every(isCidr))
    return 'must be addresses or ranges like 10.0.0.0/8, separated by commas';
  draft.settings.allow = ranges;
};
const onOff =
  (put: (draft: Draft, value: boolean) => void): Reader =>
  (draft, value) =>
    value === 'on' || value === 'off' ? put(draft, value === 'on') : 'must be "on" or "off"';

const readers: Record<string, Reader> = {
  'rewrite-target': matching(/^[/$][^\s"]*$/, 'must be a path', (draft, value) => (draft.rewriteTarget = value)),
  'use-regex': flag((draft, value) => (draft.useRegex = value)),
  'ssl-redirect': flag((draft, value) => (draft.sslRedirect = value)),
  'force-ssl-redirect': flag((draft, value) => (draft.forceSslRedirect = value)),
  'proxy-body-size': matching(
    /^\d{1,9}[kKmMgG]?$/,
    'must be a size like 8m',
    (draft, value) => (draft.settings.maxBodySize = value),
  ),
  'proxy-connect-timeout': whole(day, (draft, value) => (draft.settings.connectTimeoutSeconds = value)),
  'proxy-send-timeout': whole(day, (draft, value) => (draft.settings.sendTimeoutSeconds = value)),
  'proxy-read-timeout': whole(day, (draft, value) => (draft.settings.readTimeoutSeconds = value)),
  'proxy-buffering': onOff((draft, value) => (draft.settings.buffering = value)),
  'proxy-request-buffering': onOff((draft, value) => (draft.settings.requestBuffering = value)),
  'backend-protocol': matching(/^(HTTP|HTTPS|GRPC|GRPCS)$/, 'must be HTTP, HTTPS, GRPC or GRPCS', (draft, value) => {
    draft.protocol = value.toLowerCase() as Wishes['protocol'];
  }),
  'whitelist-source-range': readRanges,
  'allowlist-source-range': readRanges,
  'permanent-redirect': matching(url, 'must be a URL', (draft, value) => {
    draft.redirect = { url: value, status: 301 };
  }),
  'temporal-redirect': matching(url, 'must be a URL', (draft, value) => {
    draft.redirect = { url: value, status: 302 };
  }),
  'permanent-redirect-code': matching(
    /^30[1278]$/,
    'must be 301, 302, 307 or 308',
    (draft, value) => (draft.codes['301'] = Number(value)),
  ),
  'temporal-redirect-code': matching(
    /^30[1278]$/,
    'must be 301, 302, 307 or 308',
    (draft, value) => (draft.codes['302'] = Number(value)),
  ),
  'app-root': matching(/^\/[^\s"]*$/, 'must be a path', (draft, value) => (draft.appRoot = value)),
  'upstream-vhost': matching(
    /^[A-Za-z0-9._-]+(:\d{1,5})?$/,
    'must be a host name',
    (draft, value) => (draft.hostHeader = value),
  ),
  'x-forwarded-prefix': matching(/^\/[\w./~-]*$/, 'must be a path', (draft, value) => {
    draft.settings.requestHeaders = [{ action: 'set', name: 'X-Forwarded-Prefix', value }];
  }),
  affinity: matching(
    /^cookie$/,
    'must be "cookie"',
    (draft) => (draft.affinity = { cookie: 'INGRESSCOOKIE', ...draft.affinity }),
  ),
  'affinity-mode': matching(/^(balanced|persistent)$/, 'must be balanced or persistent', () => {}),
  'session-cookie-name': matching(
    /^[A-Za-z0-9_]{1,64}$/,
    'must be letters, digits and "_"',
    (draft, value) => (draft.affinity = { ...draft.affinity, cookie: value }),
  ),
  'session-cookie-path': matching(
    /^\/[\w./~-]*$/,
    'must be a path',
    (draft, value) => (draft.affinity = { cookie: 'INGRESSCOOKIE', ...draft.affinity, path: value }),
  ),
  'session-cookie-max-age': whole(
    10 * 365 * day,
    (draft, value) => (draft.affinity = { cookie: 'INGRESSCOOKIE', ...draft.affinity, maxAgeSeconds: value }),
  ),
  canary: flag((draft, on) => (draft.share.on = on)),
  'canary-weight': whole(1_000_000, (draft, weight) => (draft.share.weight = weight)),
  'canary-weight-total': whole(1_000_000, (draft, total) => (draft.share.total = total)),
  'canary-by-header': matching(
    /^[A-Za-z0-9-]{1,100}$/,
    'must be the name of a header',
    (draft, value) => (draft.share.header = value),
  ),
  'canary-by-header-value': matching(/^.+$/, 'must not be empty', (draft, value) => (draft.share.headerValue = value)),
  'canary-by-header-pattern': matching(
    /^.+$/,
    'must not be empty',
    (draft, value) => (draft.share.headerPattern = value),
  ),
  'canary-by-cookie': matching(
    /^[A-Za-z0-9_.-]{1,100}$/,
    'must be the name of a cookie',
    (draft, value) => (draft.share.cookie = value),
  ),
  'enable-cors': flag((draft, on) => (draft.cors = { ...draft.cors, on })),
  'cors-allow-origin': (draft, value) => {
    const origins = list(value);
    if (
      !origins.length ||
      !origins.every((one) => one === '*' || /^https?:\/\/(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?$/.test(one))
    )
      return 'must be origins like https://example.com, or *';
    draft.cors = { ...draft.cors, origins };
  },
  'cors-allow-methods': matching(
    /^[A-Za-z, *]+$/,
    'must be methods',
    (draft, methods) => (draft.cors = { ...draft.cors, methods }),
  ),
  'cors-allow-headers': matching(
    /^[A-Za-z0-9_, *-]+$/,
    'must be header names',
    (draft, headers) => (draft.cors = { ...draft.cors, headers }),
  ),
  'cors-expose-headers': matching(
    /^[A-Za-z0-9_, *-]+$/,
    'must be header names',
    (draft, expose) => (draft.cors = { ...draft.cors, expose }),
  ),
  'cors-allow-credentials': flag((draft, credentials) => (draft.cors = { ...draft.cors, credentials })),
  'cors-max-age': whole(365 * day, (draft, maxAgeSeconds) => (draft.cors = { ...draft.cors, maxAgeSeconds })),
};

const corsDefaults = {
  origins: ['*'],
  methods: 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
  headers:
    'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization',
  credentials: true,
  maxAgeSeconds: 1_728_000,
};

/** Reads an Ingress' annotations; what cannot be granted comes back as complaints and changes nothing else. */
export function readAnnotations(ingress: Ingress): { wishes: Wishes; complaints: Complaint[] } {
  const draft: Draft = {
    settings: {},
    useRegex: false,
    forceSslRedirect: false,
    protocol: 'http',
    codes: {},
    share: { weight: 0, total: 100 },
  };
  const complaints: Complaint[] = [];
  for (const [key, value] of Object.entries(ingress.metadata.annotations ?? {}).sort()) {
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (/-snippets?$/.test(name)) {
      const message = `${key} is refused: it would put text of its own into the configuration of all hosts`;
      complaints.push({ reason: 'RefusedAnnotation', message });
    } else if (!reader) {
      complaints.push({ reason: 'UnsupportedAnnotation', message: `${key} is not supported and has no effect` });
    } else {
      const wrong = reader(draft, value.trim());
      if (wrong)
        complaints.push({
          reason: 'InvalidAnnotation',
          message: `${key} ${wrong}, not ${JSON.stringify(value.slice(0, 200))}`,
        });
    }
  }
  const { cors, codes, share, ...wishes } = draft;
  const { on: isCanary, ...canary } = share;
  if (isCanary) wishes.canary = canary;
  if (cors?.on) {
    const { on: _, ...wanted } = cors;
    wishes.settings.cors = { ...corsDefaults, ...wanted };
  }
  if (wishes.redirect) wishes.redirect.status = codes[wishes.redirect.status] ?? wishes.redirect.status;
  if (ingress.metadata.annotations?.[`${prefix}affinity`] !== 'cookie') delete wishes.affinity;
  return { wishes, complaints };
}
