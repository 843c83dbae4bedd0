import type { LabelSelector, NetworkPolicy } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, formatLabelSelector, text } from '../printing';
import { countedSpec, setDefault } from '../strategy';
import { forbidden, invalid, invalidEach, notSupported, oneOf, required } from '../validation/field';
import { isStrictlyWithin, validateCidr } from '../validation/cidr';
import { validateLabelSelector } from '../validation/meta';
import { portNumberOrName } from '../validation/strings';

const protocols = ['SCTP', 'TCP', 'UDP'];

interface Port {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

interface Peer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr: string; except?: string[] };
}

/** A rule by its names in JSON. */
interface Rule {
  ports?: Port[];
  from?: Peer[];
  to?: Peer[];
}

const rulesOf = (object: NetworkPolicy): ['ingress' | 'egress', 'from' | 'to', Rule[]][] => [
  ['ingress', 'from', (object.spec?.ingress ?? []) as Rule[]],
  ['egress', 'to', (object.spec?.egress ?? []) as Rule[]],
];

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  ...countedSpec,
  defaults(object) {
    if (!object.spec) return;
    for (const [, , rules] of rulesOf(object)) {
      for (const port of rules.flatMap((rule) => rule.ports ?? [])) setDefault(port, 'protocol', 'TCP');
    }
    if (!object.spec.policyTypes?.length) {
      object.spec.policyTypes = object.spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
    }
  },
  validate(object) {
    const errors = validateLabelSelector(object.spec?.podSelector, 'spec.podSelector');
    for (const [direction, side, rules] of rulesOf(object)) {
      for (const [index, rule] of rules.entries()) {
        const path = `spec.${direction}[${index}]`;
        (rule.ports ?? []).forEach((port, at) => errors.push(...validatePort(port, `${path}.ports[${at}]`)));
        (rule[side] ?? []).forEach((peer, at) => errors.push(...validatePeer(peer, `${path}.${side}[${at}]`)));
      }
    }
    for (const [index, type] of (object.spec?.policyTypes ?? []).entries()) {
      errors.push(...oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress']));
    }
    return errors;
  },
  columns: [
    text('Pod-Selector', 'The pods it is for', (object) => formatLabelSelector(object.spec?.podSelector)),
    ageColumn,
  ],
});

function validatePort({ protocol, port, endPort }: Port, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (protocol && !protocols.includes(protocol)) errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  if (port !== undefined) errors.push(...invalidEach(`${path}.port`, port, portNumberOrName(port)));
  if (endPort === undefined) return errors;
  if (port === undefined) errors.push(required(`${path}.port`, 'must be specified when `endPort` is specified'));
  else if (typeof port === 'string') {
    errors.push(invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric'));
  } else if (endPort < port) {
    errors.push(invalid(`${path}.endPort`, endPort, 'must be greater than or equal to `port`'));
  }
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: Peer, path: string): FieldError[] {
  if (!podSelector && !namespaceSelector && !ipBlock) return [required(path, 'must specify a peer')];
  const errors = [
    ...validateLabelSelector(podSelector, `${path}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
  ];
  if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  }
  if (!ipBlock) return errors;
  if (!ipBlock.cidr) return [...errors, required(`${path}.ipBlock.cidr`)];
  const outer = validateCidr(ipBlock.cidr, `${path}.ipBlock.cidr`);
  errors.push(...outer);
  for (const [index, cidr] of (ipBlock.except ?? []).entries()) {
    const at = `${path}.ipBlock.except[${index}]`;
    const faults = validateCidr(cidr, at);
    errors.push(...faults);
    if (faults.length === 0 && outer.length === 0 && !isStrictlyWithin(cidr, ipBlock.cidr)) {
      errors.push(invalid(at, cidr, 'must be a strict subset of `cidr`'));
    }
  }
  return errors;
}
