import type { KubeObject } from '@shared/k8s';

/** What nginx serves: made of Ingresses, Gateways and their routes, and rendered by `render`. */
export interface Site {
  servers: Server[];
  upstreams: Upstream[];
  /** PEM of certificate and key, by the name servers call them by. */
  certificates: ReadonlyMap<string, string>;
}

export type Scheme = 'http' | 'https';

/** One host name on one port. */
export interface Server {
  scheme: Scheme;
  /** `''` is every host that no other server has; `*.` a wildcard. */
  host: string;
  /** Whether a wildcard stands for one label (Ingress) or several (Gateway). */
  labels: 'one' | 'many';
  /** Of https; the default one when absent. */
  certificate?: string;
  /** Of routes with the same path and conditions the first wins. */
  routes: Route[];
}

export type RoutePath =
  | { type: 'Exact' | 'Prefix'; value: string }
  /** A regular expression in nginx' syntax. `length` is its precedence: longer first. */
  | { type: 'Regex'; value: string; ignoreCase: boolean; length: number };

export interface Route {
  /** Who wants it, and is told when nginx refuses it. */
  source: KubeObject;
  path: RoutePath;
  /** All of them must hold. */
  conditions: Condition[];
  action: Action;
  settings: Settings;
}

/** A request's method, header or query parameter is the value, or matches the regular expression. */
export type Condition = ({ of: 'method'; name?: undefined } | { of: 'header' | 'query'; name: string }) & {
  value: string;
  regex?: boolean;
};

export type Action = ProxyAction | RedirectAction | { kind: 'respond'; status: number };

export interface ProxyAction {
  kind: 'proxy';
  /** Where requests go, by weight. */
  targets: Target[];
  protocol: 'http' | 'https' | 'grpc' | 'grpcs';
  rewrite?: Rewrite;
  /** The Host header the backend sees; the client's when absent. */
  hostHeader?: string;
  /** Given to clients that have none, so that they stay with a backend. */
  cookie?: { name: string; path: string; maxAgeSeconds?: number };
}

export interface Target {
  /** An upstream's name; undefined when there is nobody to answer, which `status` then says. */
  upstream?: string;
  status?: 500 | 503;
  weight: number;
}

/** The part of the path that `pattern` matches decides; all of the path is replaced. `$1`… stand for groups. */
export interface Rewrite {
  pattern: string;
  ignoreCase: boolean;
  replacement: string;
}

export interface RedirectAction {
  kind: 'redirect';
  status: number;
  /** A whole URL, without variables. Wins over the parts. */
  url?: string;
  scheme?: Scheme;
  host?: string;
  /** As clients see it; 80 and 443 are left out where they are the scheme's own. */
  port: number;
  /** The request's path when absent. */
  path?: { replaceFull: string } | { replacePrefix: string; with: string };
}

export interface HeaderChange {
  action: 'set' | 'add' | 'remove';
  name: string;
  value: string;
}

export interface Settings {
  /** As nginx writes sizes: `8m`; `0` is any. */
  maxBodySize?: string;
  connectTimeoutSeconds?: number;
  sendTimeoutSeconds?: number;
  readTimeoutSeconds?: number;
  /** Whether answers are gathered before they are passed on. */
  buffering?: boolean;
  requestBuffering?: boolean;
  /** Addresses and ranges that may ask; all when absent. */
  allow?: string[];
  cors?: Cors;
  requestHeaders?: HeaderChange[];
  responseHeaders?: HeaderChange[];
}

export interface Cors {
  /** `*`, or origins like `https://*.example.com`. */
  origins: string[];
  methods: string;
  headers: string;
  expose?: string;
  credentials: boolean;
  maxAgeSeconds: number;
}

/** Pods behind one port of a service. */
export interface Upstream {
  name: string;
  servers: { ip: string; port: number }[];
  /** The cookie whose value decides which of them answers. */
  stickyBy?: string;
}

/** Something about an object that its owner should hear of. */
export interface Finding {
  object: KubeObject;
  reason: string;
  message: string;
}
