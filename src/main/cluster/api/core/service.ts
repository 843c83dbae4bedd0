import type { Service } from '@shared/k8s';
import { defineKind } from '../kind';
import { ageColumn, formatLabels, text, wide } from '../printing';
import { isExternallyAccessible, needsHealthCheckNodePort } from './service-reach';
import { validateService, validateServiceUpdate } from './service-validation';
import { keepAllButStatus, keepStatus, setDefault } from '../strategy';

type ServiceSpec = NonNullable<Service['spec']>;

export const service = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  nameRule: 'label1035',
  namespaced: true,
  status: true,
  subresources: [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  defaults(object) {
    const spec = (object.spec ??= {});
    setDefault(spec, 'sessionAffinity', 'None');
    setDefault(spec, 'type', 'ClusterIP');
    if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
    else setDefault(((spec.sessionAffinityConfig ??= {}).clientIP ??= {}), 'timeoutSeconds', 10_800);
    for (const port of spec.ports ?? []) {
      setDefault(port, 'protocol', 'TCP');
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
    }
    if (isExternallyAccessible(spec)) setDefault(spec, 'externalTrafficPolicy', 'Cluster');
    if (spec.type === 'LoadBalancer') setDefault(spec, 'allocateLoadBalancerNodePorts', true);
    if (spec.type === 'ExternalName') return;
    setDefault(spec, 'internalTrafficPolicy', 'Cluster');
    setDefault(spec, 'ipFamilies', ['IPv4']);
    setDefault(spec, 'ipFamilyPolicy', 'SingleStack');
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  },
  prepareForCreate(object) {
    object.status = { loadBalancer: {} };
  },
  prepareForUpdate(object, old) {
    keepStatus(object, old);
    keepAllocations(object, old);
  },
  prepareForStatusUpdate: keepAllButStatus,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  columns: [
    text('Type', 'The type of the service', (object) => object.spec?.type ?? ''),
    text(
      'Cluster-IP',
      'The address inside the cluster',
      (object) => object.spec?.clusterIPs?.[0] ?? object.spec?.clusterIP ?? '<none>',
    ),
    text('External-IP', 'The addresses outside the cluster', externalIp),
    text('Port(s)', 'The ports of the service', ports),
    ageColumn,
    wide('Selector', 'The pods that the service reaches', (object) => formatLabels(object.spec?.selector)),
  ],
  fieldSelectors: {
    'spec.clusterIP': (object) => object.spec?.clusterIP ?? '',
    'spec.type': (object) => object.spec?.type ?? '',
  },
});

/** Addresses and node ports that the update leaves out stay as allocated. */
function keepAllocations(object: Service, old: Service): void {
  const spec = object.spec!;
  const before = old.spec ?? {};
  keepExternalPolicy(spec, before);
  const hasClusterIp = (type?: string): boolean => type !== 'ExternalName';
  if (hasClusterIp(spec.type) && hasClusterIp(before.type) && !spec.clusterIP && before.clusterIP) {
    spec.clusterIP = before.clusterIP;
    spec.clusterIPs = before.clusterIPs;
  }
  if (!hasClusterIp(spec.type) && spec.clusterIP === before.clusterIP) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  const hasNodePorts = (type?: string): boolean => type === 'NodePort' || type === 'LoadBalancer';
  if (hasNodePorts(spec.type) && hasNodePorts(before.type)) {
    const taken = new Set((spec.ports ?? []).map((port) => port.nodePort));
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue;
      const same = before.ports?.find((other) => other.port === port.port && other.protocol === port.protocol);
      if (same?.nodePort && !taken.has(same.nodePort)) port.nodePort = same.nodePort;
    }
  } else if (!hasNodePorts(spec.type) && hasNodePorts(before.type)) {
    for (const port of spec.ports ?? []) {
      if (before.ports?.some((other) => other.nodePort === port.nodePort)) delete port.nodePort;
    }
  }
}

/** What only some types have goes with the type, unless the update itself asks for it. */
function keepExternalPolicy(spec: ServiceSpec, before: ServiceSpec): void {
  const isKept = (field: keyof ServiceSpec, has: (spec: ServiceSpec) => boolean): boolean =>
    has(spec) || !has(before) || spec[field] !== before[field];
  if (!isKept('externalTrafficPolicy', isExternallyAccessible)) delete spec.externalTrafficPolicy;
  if (!isKept('healthCheckNodePort', needsHealthCheckNodePort)) delete spec.healthCheckNodePort;
  else if (needsHealthCheckNodePort(spec) && needsHealthCheckNodePort(before) && !spec.healthCheckNodePort)
    spec.healthCheckNodePort = before.healthCheckNodePort;
}

function externalIp(object: Service): string {
  const spec = object.spec ?? {};
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || '<none>';
    case 'LoadBalancer': {
      const balanced = (object.status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip || entry.hostname || '');
      return [...balanced, ...external].filter(Boolean).join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function ports(object: Service): string {
  const all = (object.spec?.ports ?? []).map((port) =>
    port.nodePort ? `${port.port}:${port.nodePort}/${port.protocol}` : `${port.port}/${port.protocol}`,
  );
  return all.join(',') || '<none>';
}
