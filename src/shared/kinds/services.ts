import type { Service } from '../k8s';
import { portText } from './helpers';
import { formatSelector } from '../selectors';
import { defineKindView } from './types';

/** External addresses: the load balancer's, or those the service names itself. */
function externalAddresses(object: Service): string[] {
  if (object.spec?.type === 'ExternalName') return [object.spec.externalName ?? ''];
  const balancer = (object.status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip ?? ingress.hostname ?? '');
  return [...balancer, ...(object.spec?.externalIPs ?? [])];
}

export const services = defineKindView<Service>({
  id: 'services',
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
  section: 'network',
  order: 10,
  icon: 'Waypoints',
  columns: [
    { id: 'type', renderer: 'text', width: 110, value: (object) => object.spec?.type ?? 'ClusterIP' },
    { id: 'clusterIP', renderer: 'mono', width: 130, value: (object) => object.spec?.clusterIP ?? null },
    { id: 'ports', renderer: 'list', width: 200, value: (object) => (object.spec?.ports ?? []).map(portText) },
    { id: 'external', renderer: 'list', width: 140, wide: true, value: externalAddresses },
    { id: 'selector', renderer: 'labels', width: 220, wide: true, value: (object) => object.spec?.selector ?? {} },
  ],
  podSelector: (object) => {
    const selector = object.spec?.selector;
    return selector && Object.keys(selector).length ? formatSelector({ matchLabels: selector }) : undefined;
  },
  capabilities: {},
  template: `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - name: http
      port: 80
      targetPort: 80
`,
});
