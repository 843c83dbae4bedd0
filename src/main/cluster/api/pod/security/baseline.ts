import { distinct, named, namesOf, quoted, setters, type Check, type SecuredContainer, type Subject } from './check';

/** The controls of the level `baseline`: what is known to raise privileges. */
export const baselineChecks: readonly Check[] = [
  {
    id: 'appArmorProfile',
    find(subject) {
      const { spec, metadata } = subject;
      const bad = (type: string | undefined) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
      const typeOf = (container: SecuredContainer) => container.securityContext?.appArmorProfile?.type;
      const own = spec.securityContext?.appArmorProfile?.type;
      const containers = namesOf(subject, (container) => bad(typeOf(container)));
      const annotations = Object.entries(metadata?.annotations ?? {}).filter(
        ([key, value]) =>
          key.startsWith('container.apparmor.security.beta.kubernetes.io/') &&
          !['', 'runtime/default'].includes(value) &&
          !value.startsWith('localhost/'),
      );
      const values = distinct([own, ...subject.containers.map(typeOf)].filter(bad) as string[]);
      const who = setters(bad(own), containers);
      const details = [
        ...(who ? [`${who} must not set AppArmor profile type to ${quoted(values)}`] : []),
        ...annotations.map(([key, value]) => `annotation ${JSON.stringify(key)}=${JSON.stringify(value)}`),
      ];
      if (details.length === 0) return undefined;
      const many = values.length + annotations.length > 1;
      return { reason: `forbidden AppArmor profile${many ? 's' : ''}`, detail: details.join('; ') };
    },
  },
  {
    id: 'capabilities_baseline',
    find(subject) {
      const added = addedBeyond(subject, baselineCapabilities);
      return added === undefined ? undefined : { reason: 'non-default capabilities', detail: added };
    },
  },
  {
    id: 'hostNamespaces',
    find({ spec }) {
      const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
      if (shared.length === 0) return undefined;
      return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
    },
  },
  {
    id: 'hostPathVolumes',
    find({ spec }) {
      const names = (spec.volumes ?? []).filter((volume) => volume.hostPath).map(({ name }) => name);
      return names.length > 0 ? { reason: 'hostPath volumes', detail: named('volume', names) } : undefined;
    },
  },
  {
    id: 'hostPorts',
    find(subject) {
      const portsOf = (container: SecuredContainer) => (container.ports ?? []).flatMap((port) => port.hostPort || []);
      const names = namesOf(subject, (container) => portsOf(container).length > 0);
      if (names.length === 0) return undefined;
      const ports = [...new Set(subject.containers.flatMap(portsOf))].sort((a, b) => a - b);
      const words = `${names.length === 1 ? 'uses' : 'use'} hostPort${ports.length === 1 ? '' : 's'}`;
      return { reason: 'hostPort', detail: `${named('container', names)} ${words} ${ports.join(', ')}` };
    },
  },
  {
    id: 'hostProbesAndHostLifecycle',
    find(subject) {
      if (subject.minor < 34) return undefined;
      const names = namesOf(subject, (container) => hostsOf(container).length > 0);
      if (names.length === 0) return undefined;
      const hosts = distinct(subject.containers.flatMap(hostsOf));
      const words = `${names.length === 1 ? 'uses' : 'use'} probe or lifecycle host${hosts.length === 1 ? '' : 's'}`;
      return { reason: 'probe or lifecycle host', detail: `${named('container', names)} ${words} ${quoted(hosts)}` };
    },
  },
  {
    id: 'privileged',
    find(subject) {
      const names = namesOf(subject, ({ securityContext }) => securityContext?.privileged === true);
      if (names.length === 0) return undefined;
      const detail = `${named('container', names)} must not set securityContext.privileged=true`;
      return { reason: 'privileged', detail };
    },
  },
  {
    id: 'procMount',
    find(subject) {
      const bad = ({ securityContext }: SecuredContainer) => (securityContext?.procMount ?? 'Default') !== 'Default';
      const names = namesOf(subject, bad);
      if (names.length === 0) return undefined;
      const values = distinct(subject.containers.filter(bad).map((container) => container.securityContext!.procMount!));
      const detail = `${named('container', names)} must not set securityContext.procMount to ${quoted(values)}`;
      return { reason: 'procMount', detail };
    },
  },
  { id: 'seLinuxOptions', find: findSELinux },
  {
    id: 'seccompProfile_baseline',
    find(subject) {
      const detail = badSeccomp(subject);
      return detail === undefined ? undefined : { reason: 'seccompProfile', detail };
    },
  },
  {
    id: 'sysctls',
    find({ spec, minor }) {
      const names = (spec.securityContext?.sysctls ?? [])
        .map(({ name }) => name)
        .filter((name) => !(name in safeSysctls && safeSysctls[name]! <= minor));
      return names.length > 0 ? { reason: 'forbidden sysctls', detail: names.join(', ') } : undefined;
    },
  },
  {
    id: 'windowsHostProcess',
    find(subject) {
      const containers = namesOf(subject, ({ securityContext }) => !!securityContext?.windowsOptions?.hostProcess);
      const who = setters(!!subject.spec.securityContext?.windowsOptions?.hostProcess, containers);
      if (!who) return undefined;
      return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
    },
  },
];

const baselineCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

/** What may be set inside a pod without harm to others, with the version since when. */
const safeSysctls: Record<string, number> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const seLinuxTypes = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);

/** Which capabilities are added that must not be; undefined when there are none. */
export function addedBeyond(subject: Subject, allowed: ReadonlySet<string>): string | undefined {
  const beyond = ({ securityContext }: SecuredContainer) =>
    (securityContext?.capabilities?.add ?? []).filter((name) => !allowed.has(name));
  const names = namesOf(subject, (container) => beyond(container).length > 0);
  if (names.length === 0) return undefined;
  const capabilities = distinct(subject.containers.flatMap(beyond));
  return `${named('container', names)} must not include ${quoted(capabilities)} in securityContext.capabilities.add`;
}

/** Who turns the seccomp filter off; undefined when nobody does. */
export function badSeccomp(subject: Subject): string | undefined {
  const bad = (type: string | undefined) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const typeOf = (container: SecuredContainer) => container.securityContext?.seccompProfile?.type;
  const own = subject.spec.securityContext?.seccompProfile?.type;
  const containers = namesOf(subject, (container) => bad(typeOf(container)));
  const who = setters(bad(own), containers);
  if (!who) return undefined;
  const values = distinct([own, ...subject.containers.map(typeOf)].filter(bad) as string[]);
  return `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}`;
}

function findSELinux(subject: Subject) {
  const own = subject.spec.securityContext?.seLinuxOptions;
  type Options = typeof own;
  const bad = (options: Options) =>
    !!options && (!seLinuxTypes.has(options.type ?? '') || !!options.user || !!options.role);
  const all = [own, ...subject.containers.map(({ securityContext }) => securityContext?.seLinuxOptions)];
  const who = setters(
    bad(own),
    namesOf(subject, ({ securityContext }) => bad(securityContext?.seLinuxOptions)),
  );
  if (!who) return undefined;
  const types = distinct(all.flatMap((options) => options?.type ?? []).filter((type) => !seLinuxTypes.has(type)));
  const faults = [
    ...(types.length > 0 ? [named('type', types)] : []),
    ...(all.some((options) => options?.user) ? ['user may not be set'] : []),
    ...(all.some((options) => options?.role) ? ['role may not be set'] : []),
  ];
  return {
    reason: 'seLinuxOptions',
    detail: `${who} set forbidden securityContext.seLinuxOptions: ${faults.join('; ')}`,
  };
}

/** The hosts that probes and hooks of a container call, other than its own pod. */
function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: SecuredContainer): string[] {
  const callers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
  return callers.flatMap((caller) => [caller?.httpGet?.host, caller?.tcpSocket?.host].flatMap((host) => host || []));
}
