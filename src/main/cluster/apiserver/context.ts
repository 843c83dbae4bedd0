import { apiError } from '../api/errors';
import type { ApiSchema } from '../api/schema/types';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import type { Store } from '../store/types';
import type { Admission } from './admission';
import type { Aggregation } from './aggregation';
import type { Continuations } from './continuations';
import type { DebugPages } from './debug-pages';
import type { Monitoring } from './monitoring';
import type { MetricsSource } from './node-connection';
import type { Negotiated } from './negotiation';
import type { NodeConnections } from './nodes';
import type { Rbac } from './rbac/authorizer';
import type { Resource, ResourceRegistry } from './resources';
import type { ServiceAllocator } from './service-ip';
import type { ServiceAccountTokens } from './tokens/service-account';
import type { Answer, ApiRequest, ApiResponse, UserInfo } from './types';

/** What may be done is asked here, once per request. */
export interface AccessAttributes {
  user: UserInfo;
  verb: string;
  group: string;
  version: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
  /** Set for requests outside resources (the resource is '' then). */
  path?: string;
}

export type Authorizer = (attributes: AccessAttributes) => { allowed: boolean; reason?: string };

/** What every verb needs. */
export interface ServerContext {
  store: Store;
  registry: ResourceRegistry;
  schema: ApiSchema;
  clock: Clock;
  log: Logger;
  /** In [0, 1): for generated names. */
  random: () => number;
  admission: Admission;
  authorize: Authorizer;
  /** The roles behind `authorize`, where it decides by roles. */
  rbac?: Rbac;
  /** Makes and checks the tokens of service accounts, where there are any. */
  tokens?: ServiceAccountTokens;
  nodes: NodeConnections;
  metrics?: MetricsSource;
  /** Counts requests and tells figures, where somebody may ask for them. */
  monitoring?: Monitoring;
  debugPages?: DebugPages;
  services: ServiceAllocator;
  continuations: Continuations;
  /** What other servers serve behind this one. */
  aggregation?: Aggregation;
}

/** One request after routing. */
export interface Call {
  request: ApiRequest;
  resource: Resource;
  namespace?: string;
  name?: string;
  subresource?: string;
  user: UserInfo;
  /** What the client wants to be answered with; JSON unless told. */
  negotiated?: Negotiated;
  /** Filled while the request is served; answered as Warning headers. */
  warnings: string[];
}

export const objectResponse = (call: Call, object: Answer, status = 200): ApiResponse => ({
  status,
  warnings: call.warnings,
  payload: { type: 'object', object },
});

export const methodNotAllowed = () =>
  apiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const noSuchResource = () => apiError(404, 'NotFound', 'the server could not find the requested resource', {});
