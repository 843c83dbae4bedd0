import type { Ingress } from '../k8s';
import { defineKindView } from './types';

const hostsOf = (object: Ingress): string[] => [...new Set((object.spec?.rules ?? []).map((rule) => rule.host || '*'))];

/** Where requests go, as `shop.example/cart → cart:80`. */
function routes(object: Ingress): string[] {
  const backend = (service: { name: string; port?: { name?: string; number?: number } } | undefined): string =>
    service ? `${service.name}:${service.port?.number ?? service.port?.name ?? ''}` : '';
  const rules = (object.spec?.rules ?? []).flatMap((rule) =>
    (rule.http?.paths ?? []).map(
      (path) => `${rule.host ?? '*'}${path.path ?? '/'} → ${backend(path.backend?.service)}`,
    ),
  );
  const fallback = object.spec?.defaultBackend?.service;
  return fallback ? [...rules, `* → ${backend(fallback)}`] : rules;
}

export const ingresses = defineKindView<Ingress>({
  id: 'ingresses',
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ingresses',
  kind: 'Ingress',
  namespaced: true,
  section: 'network',
  order: 40,
  icon: 'Route',
  columns: [
    { id: 'class', renderer: 'text', width: 110, value: (object) => object.spec?.ingressClassName ?? null },
    { id: 'hosts', renderer: 'list', width: 200, value: hostsOf },
    {
      id: 'address',
      renderer: 'list',
      width: 140,
      value: (object) => (object.status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip ?? entry.hostname ?? ''),
    },
    { id: 'routes', renderer: 'list', width: 320, value: routes },
    { id: 'ports', renderer: 'text', width: 80, value: (object) => (object.spec?.tls?.length ? '80, 443' : '80') },
  ],
  search: (object) => [...hostsOf(object), ...routes(object)].join(' '),
  capabilities: {},
  template: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: web.example
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: web
                port:
                  number: 80
`,
});
