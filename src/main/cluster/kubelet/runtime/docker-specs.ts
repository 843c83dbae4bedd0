import type {
  ContainerCreateOptions,
  ContainerInspectInfo,
  ContainerStats,
  HostConfig,
  MountSettings,
} from 'dockerode';
import type {
  ContainerSpec,
  MountSpec,
  RuntimeContainer,
  RuntimeResources,
  RuntimeState,
  RuntimeStats,
  SandboxSpec,
} from './types';

/** Kept small on the user's disk; the same limits for all containers. */
const logConfig = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } };

/** @param labels of what mounts it: an engine makes a volume that is missing, and it must be known whose it is */
const mountOf = (mount: MountSpec, labels: Record<string, string>): MountSettings => ({
  Type: mount.type,
  Source: mount.source,
  Target: mount.containerPath,
  ReadOnly: mount.readOnly,
  ...(mount.type === 'bind' ? { BindOptions: { Propagation: mount.propagation ?? 'rprivate' } as never } : {}),
  ...(mount.type === 'volume'
    ? {
        VolumeOptions: {
          NoCopy: true,
          Labels: labels,
          DriverConfig: { Name: 'local', Options: {} },
          ...(mount.subPath ? { Subpath: mount.subPath } : {}),
        },
      }
    : {}),
});

/** What Docker is asked for a sandbox. @param network the cluster's bridge */
export function sandboxOptions(spec: SandboxSpec, image: string, network: string): ContainerCreateOptions {
  const ports = spec.hostNetwork ? [] : spec.ports;
  const key = (port: { containerPort: number; protocol: string }): string =>
    `${port.containerPort}/${port.protocol.toLowerCase()}`;
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports)
    (bindings[key(port)] ??= []).push({ HostIp: port.hostIp ?? '', HostPort: String(port.hostPort) });
  return {
    name: spec.name,
    Image: spec.image ?? image,
    ...(spec.command ? { Entrypoint: spec.command } : {}),
    Labels: spec.labels,
    ...(spec.hostNetwork ? {} : { Hostname: spec.hostname, Domainname: spec.domainname ?? '' }),
    ExposedPorts: Object.fromEntries(ports.map((port) => [key(port), {}])),
    HostConfig: {
      NetworkMode: spec.hostNetwork ? 'host' : network,
      IpcMode: spec.hostIpc ? 'host' : 'shareable',
      ...(spec.hostPid ? { PidMode: 'host' } : {}),
      PortBindings: bindings,
      ...(spec.dns ? { Dns: spec.dns.servers, DnsSearch: spec.dns.searches, DnsOptions: spec.dns.options } : {}),
      ExtraHosts: spec.hostAliases.flatMap((alias) => alias.hostnames.map((name) => `${name}:${alias.ip}`)),
      ...(spec.sysctls ? { Sysctls: spec.sysctls } : {}),
      Mounts: spec.mounts.map((mount) => mountOf(mount, spec.labels)),
      ...(spec.addCapabilities ? { CapAdd: spec.addCapabilities } : {}),
      CpuShares: 2,
      ReadonlyRootfs: !spec.writableRoot,
      SecurityOpt: ['no-new-privileges'],
      LogConfig: logConfig,
    },
    ...(spec.ipv4Address && !spec.hostNetwork
      ? { NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: spec.ipv4Address } } } } }
      : {}),
  };
}

/** What Docker is asked for a container that joins a sandbox. */
export function containerOptions(spec: ContainerSpec): ContainerCreateOptions {
  const join = `container:${spec.sandboxId}`;
  return {
    name: spec.name,
    Image: spec.image,
    Labels: spec.labels,
    ...(spec.command ? { Entrypoint: spec.command } : {}),
    ...(spec.args ? { Cmd: spec.args } : {}),
    ...(spec.workingDir ? { WorkingDir: spec.workingDir } : {}),
    ...(spec.user ? { User: spec.user } : {}),
    Env: spec.env,
    Tty: spec.tty,
    OpenStdin: spec.stdin,
    StdinOnce: spec.stdinOnce,
    ...(spec.stopSignal ? { StopSignal: spec.stopSignal } : {}),
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: join,
      IpcMode: spec.hostIpc ? 'host' : join,
      ...pidMode(spec),
      Mounts: spec.mounts.map((mount) => mountOf(mount, spec.labels)),
      ...resourceOptions(spec.resources),
      // Rootless engines and guests without CAP_SYS_RESOURCE may not go below 0.
      OomScoreAdj: Math.max(0, spec.oomScoreAdj),
      Privileged: spec.privileged,
      ReadonlyRootfs: spec.readOnlyRootFilesystem,
      CapAdd: spec.addCapabilities,
      CapDrop: spec.dropCapabilities,
      GroupAdd: spec.supplementalGroups,
      SecurityOpt: securityOptions(spec),
      ...(spec.unmaskedProc ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
      LogConfig: logConfig,
    },
  };
}

/** What Docker is asked for to limit a container, at its start and later. */
export function resourceOptions({ nanoCpus, memoryBytes, cpuShares }: RuntimeResources) {
  return {
    CpuShares: cpuShares,
    ...(nanoCpus ? { NanoCpus: nanoCpus } : {}),
    // The same figure for memory and memory with swap: a pod gets no swap.
    ...(memoryBytes ? { Memory: memoryBytes, MemorySwap: memoryBytes } : {}),
  };
}

const securityOptions = (spec: ContainerSpec): string[] => [
  ...(spec.noNewPrivileges ? ['no-new-privileges'] : []),
  ...(spec.seccomp ? [`seccomp=${spec.seccomp}`] : []),
  ...(spec.appArmor ? [`apparmor=${spec.appArmor}`] : []),
];

function pidMode(spec: ContainerSpec): { PidMode?: string } {
  if (spec.hostPid) return { PidMode: 'host' };
  if (spec.pidTarget) return { PidMode: `container:${spec.pidTarget}` };
  return spec.sharePid ? { PidMode: `container:${spec.sandboxId}` } : {};
}

/** Docker's zero time is the year 1. */
const time = (text: string | undefined): number | undefined => {
  const ms = Date.parse(text ?? '');
  return ms > 0 ? ms : undefined;
};

/** created, running (also paused and restarting), exited (also dead). */
export function stateOf(word: string | undefined): RuntimeState {
  if (word === 'created') return 'created';
  return word === 'running' || word === 'paused' || word === 'restarting' ? 'running' : 'exited';
}

/** What an inspection says, without the image's digest, which is asked for apart. */
export function containerOf(info: ContainerInspectInfo, network: string): RuntimeContainer {
  const { State: state, NetworkSettings: net, HostConfig: host } = info;
  const failed = state.Status === 'created' && !!state.Error;
  return {
    id: info.Id,
    labels: info.Config.Labels ?? {},
    state: failed ? 'exited' : stateOf(state.Status),
    image: info.Config.Image,
    imageId: info.Image,
    tty: info.Config.Tty,
    createdAt: time(info.Created) ?? 0,
    startedAt: time(state.StartedAt),
    finishedAt: time(state.FinishedAt),
    exitCode: failed ? 128 : state.ExitCode,
    oomKilled: state.OOMKilled,
    ...(state.Error ? { error: state.Error } : {}),
    ...(host ? { resources: resourcesIn(host) } : {}),
    ip: net?.Networks?.[network]?.IPAddress || undefined,
  };
}

const resourcesIn = ({ CpuShares, NanoCpus, Memory }: HostConfig): RuntimeResources => ({
  cpuShares: CpuShares ?? 0,
  ...(NanoCpus ? { nanoCpus: NanoCpus } : {}),
  ...(Memory ? { memoryBytes: Memory } : {}),
});

/** Totals from one sample; works with both versions of cgroups. Undefined for a container that has ended. */
export function statsOf(stats: ContainerStats): RuntimeStats | undefined {
  const memory = stats.memory_stats as { usage?: number; stats?: Record<string, number> } | undefined;
  if (memory?.usage === undefined || !stats.cpu_stats?.cpu_usage) return undefined;
  const inactive = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  const networks = Object.values(stats.networks ?? {});
  return {
    timeMs: Date.parse(stats.read as unknown as string),
    cpuTotalNanos: stats.cpu_stats.cpu_usage.total_usage,
    memoryBytes: Math.max(0, memory.usage - inactive),
    networkRxBytes: networks.reduce((sum, one) => sum + one.rx_bytes, 0),
    networkTxBytes: networks.reduce((sum, one) => sum + one.tx_bytes, 0),
  };
}
