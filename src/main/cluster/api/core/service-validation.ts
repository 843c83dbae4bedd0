import type { Service } from '@shared/k8s';
import type { FieldError } from '../kind';
import {
  duplicate,
  forbidden,
  immutableMessage,
  invalid,
  invalidEach,
  notSupported,
  oneOf,
  required,
} from '../validation/field';
import { validateCidr } from '../validation/cidr';
import { validateLabels } from '../validation/meta';
import { isExternallyAccessible, needsHealthCheckNodePort } from './service-reach';
import { dnsLabel, dnsSubdomain, ipAddress, portName, portNumber, qualifiedName } from '../validation/strings';

type Spec = NonNullable<Service['spec']>;
type Port = NonNullable<Spec['ports']>[number];

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const policies = ['Cluster', 'Local'];
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

/** Faults of a Service. */
export function validateService(object: Service): FieldError[] {
  const spec = object.spec ?? {};
  const errors: FieldError[] = [];
  const headless = spec.clusterIP === 'None';
  if (!spec.ports?.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  errors.push(...validateType(spec, headless), ...validatePorts(spec));
  errors.push(...validateLabels(spec.selector, 'spec.selector'));
  errors.push(...oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']));
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout !== undefined && (timeout < 1 || timeout > 86_400)) {
    errors.push(
      invalid(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        timeout,
        'must be greater than 0 and less than 86400',
      ),
    );
  }
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip !== 'None') errors.push(...invalidEach(`spec.clusterIPs[${index}]`, ip, ipAddress(ip)));
  }
  if (spec.clusterIP && spec.clusterIPs?.length && spec.clusterIPs[0] !== spec.clusterIP) {
    errors.push(invalid('spec.clusterIPs', spec.clusterIPs, 'first value must match `clusterIP`'));
  }
  for (const [index, ip] of (spec.externalIPs ?? []).entries()) {
    errors.push(...invalidEach(`spec.externalIPs[${index}]`, ip, ipAddress(ip)));
  }
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0 && spec.type !== 'LoadBalancer') {
    errors.push(forbidden('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"));
  }
  for (const [index, range] of ranges.entries()) {
    errors.push(...validateCidr(range.trim(), `spec.LoadBalancerSourceRanges[${index}]`));
  }
  if (spec.ipFamilyPolicy) errors.push(...oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, familyPolicies));
  const { internalTrafficPolicy } = spec;
  if (internalTrafficPolicy && !policies.includes(internalTrafficPolicy))
    errors.push(notSupported('spec.internalTrafficPolicy', internalTrafficPolicy, policies));
  return [...errors, ...validateExternalPolicy(spec)];
}

function validateExternalPolicy(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const { externalTrafficPolicy: policy, healthCheckNodePort: port } = spec;
  const field = 'spec.externalTrafficPolicy';
  if (isExternallyAccessible(spec)) errors.push(...oneOf(field, policy, policies));
  else if (policy) errors.push(invalid(field, policy, 'may only be set for externally-accessible services'));
  if (port && !needsHealthCheckNodePort(spec))
    errors.push(
      invalid(
        'spec.healthCheckNodePort',
        port,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  return errors;
}

function validateType(spec: Spec, headless: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.type) return [required('spec.type')];
  if (!types.includes(spec.type)) return [notSupported('spec.type', spec.type, types)];
  switch (spec.type) {
    case 'ExternalName':
      if (spec.clusterIP || spec.clusterIPs?.length) {
        errors.push(forbidden('spec.clusterIPs', "may not be set when `type` is 'ExternalName'"));
      }
      if (!spec.externalName) errors.push(required('spec.externalName'));
      else {
        const name = spec.externalName.replace(/\.$/, '');
        errors.push(...invalidEach('spec.externalName', name, dnsSubdomain(name)));
      }
      break;
    case 'LoadBalancer':
    case 'NodePort':
      if (headless) {
        errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
      }
      break;
    default:
  }
  if (spec.type !== 'ExternalName' && spec.externalName && spec.type !== 'ClusterIP') {
    errors.push(forbidden('spec.externalName', "may only be set when `type` is 'ExternalName'"));
  }
  return errors;
}

function validatePorts(spec: Spec): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  const ports = spec.ports ?? [];
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    errors.push(...validatePort(port, at, ports.length > 1, names));
    if (port.nodePort && spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') {
      errors.push(forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`));
    }
    const identity = `${port.protocol}/${port.port}`;
    if (numbers.has(identity)) errors.push(duplicate(at, { protocol: port.protocol, port: port.port }));
    numbers.add(identity);
    if (!port.nodePort) continue;
    const outside = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(outside)) errors.push(duplicate(`${at}.nodePort`, port.nodePort));
    nodePorts.add(outside);
  }
  return errors;
}

function validatePort(port: Port, at: string, several: boolean, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (port.appProtocol)
    errors.push(...invalidEach(`${at}.appProtocol`, port.appProtocol, qualifiedName(port.appProtocol)));
  if (!port.name) {
    if (several) errors.push(required(`${at}.name`));
  } else {
    errors.push(...invalidEach(`${at}.name`, port.name, dnsLabel(port.name)));
    if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
    names.add(port.name);
  }
  errors.push(...invalidEach(`${at}.port`, port.port ?? 0, portNumber(port.port)));
  errors.push(...oneOf(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
  const target = port.targetPort as number | string | undefined;
  if (typeof target === 'number') errors.push(...invalidEach(`${at}.targetPort`, target, portNumber(target)));
  else if (target) errors.push(...invalidEach(`${at}.targetPort`, target, portName(target)));
  return errors;
}

/** Faults of changing a Service: its address stays while it has one. */
export function validateServiceUpdate(object: Service, old: Service): FieldError[] {
  const [now, was] = [object.spec?.clusterIP ?? '', old.spec?.clusterIP ?? ''];
  const addressed = object.spec?.type !== 'ExternalName' && old.spec?.type !== 'ExternalName';
  const errors: FieldError[] = [];
  if (addressed && was && now !== was) errors.push(invalid('spec.clusterIPs[0]', now, 'may not change once set'));
  const [asked, had] = [object, old].map(
    ({ spec = {} }) => (needsHealthCheckNodePort(spec) && spec.healthCheckNodePort) || 0,
  );
  if (asked && had && asked !== had) errors.push(invalid('spec.healthCheckNodePort', asked, immutableMessage));
  return errors;
}
