import type { Container, Pod, PodSpec } from '@shared/k8s';
import { parseBytes, parseCpuMillis } from '@shared/quantity';
import { expandVariables } from './expand';
import { hashOf, isSidecar } from './pod-view';
import { oomScore } from './qos';
import { simulateAnnotation } from './runtime/simulated-behaviour';
import { userOf } from './security';
import { labels, type ContainerSpec, type ImageInfo, type MountSpec, type SandboxSpec } from './runtime/types';

/** How the pods of a node reach the addresses of services. */
export interface ServiceRouting {
  /** Has a shell, `ip` and `/pause`; sandboxes run it to set their route. */
  image: string;
  /** The router's address in the cluster's network. */
  routerIp: string;
  /** CIDR of the services' addresses. */
  serviceCidr: string;
  /** Addresses outside that range which services have besides. */
  externalIps?: string[];
  /** Servers of the cluster's DNS, reached over that route. */
  clusterDns: string[];
}

export interface NodeFacts {
  nodeName: string;
  clusterDomain: string;
  /** Servers of the cluster's DNS; without any, pods use those of the service routing, or the engine's. */
  clusterDns: string[];
  memoryBytes: number;
  /** Asked for every new sandbox; undefined while services are not routed. */
  serviceRouting?(): ServiceRouting | undefined;
}

/** The address a system pod wants in the cluster's network. Users' pods have no say. */
export const fixedAddressAnnotation = 'gantry.dev/ipv4-address';

/** The labels that lead from a container back to its pod. */
export function podLabels(pod: Pod, nodeName: string): Record<string, string> {
  return {
    [labels.node]: nodeName,
    [labels.podNamespace]: pod.metadata.namespace!,
    [labels.podName]: pod.metadata.name,
    [labels.podUid]: pod.metadata.uid,
  };
}

const runtimeName = (what: string, pod: Pod, attempt: number): string =>
  `gantry_${what}_${pod.metadata.name}_${pod.metadata.namespace}_${pod.metadata.uid}_${attempt}`;

/** The pod's host name: 63 characters at most, as the kernel and DNS have it. */
export const hostnameOf = (pod: Pod): string =>
  (pod.spec!.hostname || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');

export function domainOf(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain } = pod.spec!;
  return subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : undefined;
}

export function sandboxSpec(pod: Pod, attempt: number, node: NodeFacts, mounts: MountSpec[]): SandboxSpec {
  const spec = pod.spec!;
  const hostNetwork = spec.hostNetwork === true;
  const ports = spec.containers.flatMap((container) => container.ports ?? []).filter((port) => port.hostPort);
  const sysctls = spec.securityContext?.sysctls;
  const fixedAddress =
    pod.metadata.namespace === 'kube-system' ? pod.metadata.annotations?.[fixedAddressAnnotation] : undefined;
  // The router itself, and pods on the host's network, need no route to it.
  const routing = hostNetwork || fixedAddress ? undefined : node.serviceRouting?.();
  const clusterDns = node.clusterDns.length > 0 ? node.clusterDns : (routing?.clusterDns ?? []);
  const dns = dnsOf(spec, pod.metadata.namespace!, { ...node, clusterDns });
  return {
    name: runtimeName('POD', pod, attempt),
    labels: {
      ...podLabels(pod, node.nodeName),
      [labels.kind]: 'sandbox',
      [labels.containerName]: 'POD',
      [labels.restartCount]: String(attempt),
    },
    hostname: hostnameOf(pod),
    domainname: domainOf(pod, node.clusterDomain),
    hostNetwork,
    hostPid: spec.hostPID === true,
    hostIpc: spec.hostIPC === true,
    ports: ports.map((port) => ({
      containerPort: port.containerPort,
      hostPort: port.hostPort!,
      hostIp: port.hostIP,
      protocol: port.protocol ?? 'TCP',
    })),
    ...(dns ? { dns } : {}),
    hostAliases: (spec.hostAliases ?? []).map((alias) => ({ ip: alias.ip, hostnames: alias.hostnames ?? [] })),
    ...(sysctls?.length ? { sysctls: Object.fromEntries(sysctls.map((one) => [one.name, one.value])) } : {}),
    ...(fixedAddress ? { ipv4Address: fixedAddress } : {}),
    ...(routing ? routedSandbox(routing, dns) : {}),
    ...wishOf(pod),
    mounts,
  };
}

/**
 * A sandbox that leads its pod's traffic for services to the router; only the sandbox may change routes.
 * It also writes the resolv.conf that all containers of the pod share: an engine would put its own
 * resolver between, which answers for addresses of its network itself.
 */
function routedSandbox(
  { image, routerIp, serviceCidr, externalIps = [] }: ServiceRouting,
  dns: SandboxSpec['dns'],
): Pick<SandboxSpec, 'image' | 'command' | 'addCapabilities' | 'writableRoot'> {
  const setRoute = [serviceCidr, ...externalIps].map((to) => `ip route replace ${to} via ${routerIp}`).join('; ');
  const addCapabilities = ['NET_ADMIN'];
  if (!dns?.servers.length) return { image, command: ['sh', '-c', `${setRoute}; exec /pause`], addCapabilities };
  const script = `${setRoute}; printf %s "$1" > /etc/resolv.conf; exec /pause`;
  return { image, command: ['sh', '-c', script, 'sh', resolvConf(dns)], addCapabilities, writableRoot: true };
}

const resolvConf = ({ servers, searches, options }: NonNullable<SandboxSpec['dns']>): string =>
  [
    ...(searches.length ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length ? [`options ${options.join(' ')}`] : []),
    '',
  ].join('\n');

/** How the pod wishes to be simulated, where that is all that is done. */
export function wishOf(pod: Pod): { simulate?: string } {
  const simulate = pod.metadata.annotations?.[simulateAnnotation];
  return simulate ? { simulate } : {};
}

/** Whether a pod is one run of a Job: it is over when its containers end. */
const isWork = ({ metadata, spec }: Pod): boolean =>
  spec!.restartPolicy !== 'Always' &&
  (metadata.ownerReferences?.some(({ kind, controller }) => kind === 'Job' && controller) ?? false);

/** What dnsPolicy and dnsConfig come to; undefined leaves it to the engine. */
export function dnsOf(
  spec: PodSpec,
  namespace: string,
  node: Pick<NodeFacts, 'clusterDns' | 'clusterDomain'>,
): SandboxSpec['dns'] | undefined {
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const cluster =
    node.clusterDns.length > 0 &&
    (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !spec.hostNetwork));
  const base = cluster
    ? {
        servers: node.clusterDns,
        searches: [`${namespace}.svc.${node.clusterDomain}`, `svc.${node.clusterDomain}`, node.clusterDomain],
        options: ['ndots:5'],
      }
    : { servers: [], searches: [], options: [] };
  const config = spec.dnsConfig;
  if (!cluster && !config && policy !== 'None') return undefined;
  const options = new Map<string, string | undefined>();
  for (const text of base.options) options.set(text.split(':')[0]!, text.split(':')[1]);
  for (const { name, value } of config?.options ?? []) if (name) options.set(name, value);
  return {
    servers: [...new Set([...base.servers, ...(config?.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(config?.searches ?? [])])],
    options: [...options].map(([name, value]) => (value === undefined ? name : `${name}:${value}`)),
  };
}

export interface ContainerContext {
  kind: 'init' | 'app' | 'ephemeral';
  restartCount: number;
  sandboxId: string;
  /** Id of the container whose process namespace it joins. */
  pidTarget?: string;
  env: Map<string, string>;
  mounts: MountSpec[];
  image: ImageInfo;
  node: NodeFacts;
  /** How the kernel confines it, as `confinementOf` says. */
  confinement?: Pick<ContainerSpec, 'seccomp' | 'appArmor' | 'unmaskedProc'>;
}

/** Everything the runtime needs to make a container. @throws ConfigError */
export function containerSpec(pod: Pod, container: Container, context: ContainerContext): ContainerSpec {
  const spec = pod.spec!;
  const { env, node } = context;
  const expand = (text: string): string => expandVariables(text, (name) => env.get(name));
  const security = container.securityContext ?? {};
  const podSecurity = spec.securityContext ?? {};
  const groups = [
    ...(podSecurity.supplementalGroups ?? []),
    ...(podSecurity.fsGroup === undefined ? [] : [podSecurity.fsGroup]),
  ];
  return {
    name: runtimeName(container.name, pod, context.restartCount),
    labels: {
      ...podLabels(pod, node.nodeName),
      [labels.kind]: context.kind,
      [labels.containerName]: container.name,
      [labels.restartCount]: String(context.restartCount),
      [labels.specHash]: hashOf(container),
      [labels.sandboxId]: context.sandboxId,
    },
    sandboxId: context.sandboxId,
    image: container.image!,
    ...(container.command?.length ? { command: container.command.map(expand) } : {}),
    ...(container.args?.length ? { args: container.args.map(expand) } : {}),
    ...(container.workingDir ? { workingDir: container.workingDir } : {}),
    env: [...env].map(([name, value]) => `${name}=${value}`),
    mounts: context.mounts,
    ...wishOf(pod),
    ends: context.kind === 'init' ? !isSidecar(container) : context.kind === 'app' && isWork(pod),
    tty: container.tty === true,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    sharePid: spec.shareProcessNamespace === true,
    ...(context.pidTarget ? { pidTarget: context.pidTarget } : {}),
    hostPid: spec.hostPID === true,
    hostIpc: spec.hostIPC === true,
    resources: resourcesOf(container),
    user: userOf(pod, container, context.image),
    supplementalGroups: groups.map(String),
    ...context.confinement,
    ...(container.lifecycle?.stopSignal ? { stopSignal: container.lifecycle.stopSignal } : {}),
    privileged: security.privileged === true,
    readOnlyRootFilesystem: security.readOnlyRootFilesystem === true,
    noNewPrivileges: security.allowPrivilegeEscalation === false,
    addCapabilities: security.capabilities?.add ?? [],
    dropCapabilities: security.capabilities?.drop ?? [],
    oomScoreAdj: oomScore(pod, container.resources?.requests?.memory, node.memoryBytes),
  };
}

/** Limits and requests as Docker has them. A CPU request is a share of 1024 per core. */
export function resourcesOf(container: Container): ContainerSpec['resources'] {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = parseCpuMillis(limits?.cpu);
  const cpuRequest = requests?.cpu === undefined ? cpuLimit : parseCpuMillis(requests.cpu);
  const memory = parseBytes(limits?.memory);
  return {
    cpuShares: Math.min(262_144, Math.max(2, Math.floor((cpuRequest * 1024) / 1000))),
    // The kernel's least quota is 1 ms of 100 ms.
    ...(cpuLimit ? { nanoCpus: Math.max(cpuLimit, 10) * 1e6 } : {}),
    ...(memory ? { memoryBytes: memory } : {}),
  };
}
