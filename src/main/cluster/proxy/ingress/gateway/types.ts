import type { KubeObject, LabelSelector, ObjectMeta } from '@shared/k8s';
import type { ResourceRef } from '../../../client/types';

/** The Gateway API as far as it is served here; fields as in gateway.networking.k8s.io/v1. */
export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

interface Stored {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface GatewayClass extends Stored {
  spec: { controllerName: string };
  status?: { conditions?: Condition[] };
}

export interface Reference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
}

export interface Listener {
  name: string;
  hostname?: string;
  port: number;
  protocol: string;
  tls?: { mode?: string; certificateRefs?: Reference[] };
  allowedRoutes?: {
    namespaces?: { from?: string; selector?: LabelSelector };
    kinds?: { group?: string; kind: string }[];
  };
}

export interface ListenerStatus {
  name: string;
  attachedRoutes: number;
  supportedKinds: { group: string; kind: string }[];
  conditions: Condition[];
}

export interface Gateway extends Stored {
  spec: { gatewayClassName: string; listeners: Listener[] };
  status?: { addresses?: { type: string; value: string }[]; conditions?: Condition[]; listeners?: ListenerStatus[] };
}

export interface ParentReference extends Reference {
  sectionName?: string;
  port?: number;
}

interface NamedValue {
  name: string;
  value: string;
}
export interface HeaderFilter {
  set?: NamedValue[];
  add?: NamedValue[];
  remove?: string[];
}
export interface PathModifier {
  type: string;
  replaceFullPath?: string;
  replacePrefixMatch?: string;
}
export interface Filter {
  type: string;
  requestHeaderModifier?: HeaderFilter;
  responseHeaderModifier?: HeaderFilter;
  requestRedirect?: {
    scheme?: 'http' | 'https';
    hostname?: string;
    path?: PathModifier;
    port?: number;
    statusCode?: number;
  };
  urlRewrite?: { hostname?: string; path?: PathModifier };
}
export interface Match {
  path?: { type?: string; value?: string };
  headers?: (NamedValue & { type?: string })[];
  queryParams?: (NamedValue & { type?: string })[];
  method?: string;
}
export interface BackendReference extends Reference {
  port?: number;
  weight?: number;
  filters?: Filter[];
}
export interface RouteRule {
  matches?: Match[];
  filters?: Filter[];
  backendRefs?: BackendReference[];
  timeouts?: { request?: string; backendRequest?: string };
}

export interface ParentStatus {
  parentRef: ParentReference;
  controllerName: string;
  conditions: Condition[];
}

export interface HttpRoute extends Stored {
  spec: { parentRefs?: ParentReference[]; hostnames?: string[]; rules?: RouteRule[] };
  status?: { parents?: ParentStatus[] };
}

export interface ReferenceGrant extends Stored {
  spec: {
    from: { group: string; kind: string; namespace: string }[];
    to: { group: string; kind: string; name?: string }[];
  };
}

export const gatewayGroup = 'gateway.networking.k8s.io';
const ref = <T extends KubeObject>(plural: string, kind: string, namespaced: boolean): ResourceRef<T> =>
  Object.freeze({ group: gatewayGroup, version: 'v1', plural, kind, namespaced });

export const gatewayResources = {
  classes: ref<GatewayClass>('gatewayclasses', 'GatewayClass', false),
  gateways: ref<Gateway>('gateways', 'Gateway', true),
  routes: ref<HttpRoute>('httproutes', 'HTTPRoute', true),
  grants: { ...ref<ReferenceGrant>('referencegrants', 'ReferenceGrant', true), version: 'v1beta1' },
} as const;
