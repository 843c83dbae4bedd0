import type { KubeObject } from '../k8s';
import { condition, status } from './helpers';
import { defineKindView, type StatusValue } from './types';

const group = 'gateway.networking.k8s.io';
const version = 'v1';

/** What a controller says of the object in one of its conditions. */
function reported(object: KubeObject, type: string): StatusValue {
  const found = condition(object, type);
  if (found?.status === 'True') return status(type, 'ok');
  return found?.status === 'False'
    ? status(found.reason ?? `Not ${type}`, 'error', found.message)
    : status('Pending', 'busy', found?.message);
}

/** What the gateways of a route say of it: the worst. */
function routed(route: KubeObject): StatusValue {
  const parents = (route.status?.parents ?? []) as NonNullable<KubeObject['status']>[];
  for (const type of ['Accepted', 'ResolvedRefs']) {
    const refusal = parents.map((parent) => condition({ status: parent }, type)).find((one) => one?.status === 'False');
    if (refusal) return status(refusal.reason ?? `Not ${type}`, 'error', refusal.message);
  }
  const accepted = parents.filter((parent) => condition({ status: parent }, 'Accepted')?.status === 'True');
  return accepted.length && accepted.length === parents.length ? status('Accepted', 'ok') : status('Pending', 'busy');
}

export const gatewayClasses = defineKindView<KubeObject>({
  id: 'gatewayclasses',
  group,
  version,
  plural: 'gatewayclasses',
  kind: 'GatewayClass',
  namespaced: false,
  section: 'network',
  order: 70,
  icon: 'Signpost',
  columns: [{ id: 'controller', renderer: 'mono', width: 320, value: (object) => object.spec?.controllerName ?? null }],
  status: (object) => reported(object, 'Accepted'),
  capabilities: {},
});

export const gateways = defineKindView<KubeObject>({
  id: 'gateways',
  group,
  version,
  plural: 'gateways',
  kind: 'Gateway',
  namespaced: true,
  section: 'network',
  order: 71,
  icon: 'Waypoints',
  columns: [
    { id: 'class', renderer: 'text', width: 160, value: (object) => object.spec?.gatewayClassName ?? null },
    {
      id: 'addresses',
      renderer: 'list',
      width: 220,
      value: (object) => (object.status?.addresses ?? []).map(({ value }: { value: string }) => value),
    },
  ],
  status: (object) => reported(object, 'Programmed'),
  capabilities: {},
  template: `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
spec:
  gatewayClassName: nginx
  listeners:
    - name: http
      protocol: HTTP
      port: 80
`,
});

export const httpRoutes = defineKindView<KubeObject>({
  id: 'httproutes',
  group,
  version,
  plural: 'httproutes',
  kind: 'HTTPRoute',
  namespaced: true,
  section: 'network',
  order: 72,
  icon: 'Route',
  columns: [
    { id: 'hosts', renderer: 'list', width: 240, value: (object) => object.spec?.hostnames ?? [] },
    {
      id: 'gateways',
      renderer: 'list',
      width: 200,
      value: (object) => (object.spec?.parentRefs ?? []).map(({ name }: { name: string }) => name),
    },
  ],
  status: routed,
  capabilities: {},
  template: `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  parentRefs:
    - name: web
  hostnames: [web.example]
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /
      backendRefs:
        - name: web
          port: 80
`,
});
