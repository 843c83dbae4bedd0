import type { Readable } from 'node:stream';
import type { RunSession } from '../../apiserver/node-connection';

/** Labels on every container and network of a cluster. State is rebuilt from them. */
export const labels = {
  cluster: 'gantry.dev/cluster',
  node: 'gantry.dev/node',
  podNamespace: 'gantry.dev/pod-namespace',
  podName: 'gantry.dev/pod-name',
  podUid: 'gantry.dev/pod-uid',
  containerName: 'gantry.dev/container-name',
  restartCount: 'gantry.dev/restart-count',
  kind: 'gantry.dev/kind',
  specHash: 'gantry.dev/spec-hash',
  sandboxId: 'gantry.dev/sandbox-id',
} as const;

export type ContainerKind = 'sandbox' | 'init' | 'app' | 'ephemeral';

/** What a runtime is and whether it answers. */
export interface RuntimeInfo {
  reachable: boolean;
  /** Why not, in the engine's own words. */
  reason?: string;
  /** docker, simulated. */
  name: string;
  version: string;
  /** Where the engine was looked for: `unix:///var/run/docker.sock`. */
  endpoint: string;
  /** False when the engine runs on another machine, which does not see this host's directories. */
  local: boolean;
  operatingSystem: string;
  osImage: string;
  kernelVersion: string;
  /** In Go's words: amd64, arm64. */
  architecture: string;
  cpus: number;
  memoryBytes: number;
  /** Whether its machine enforces AppArmor profiles; absent when that is not known. */
  appArmor?: boolean;
  /** Where the engine keeps images and volumes, on its machine. */
  dataDirectory?: string;
}

export interface NetworkInfo {
  name: string;
  gateway: string;
  subnet: string;
  /** Where the engine takes addresses from; the rest of the subnet is free for fixed ones. */
  range?: string;
}

/** The container that holds a pod's network and IPC namespaces. */
export interface SandboxSpec {
  name: string;
  labels: Record<string, string>;
  hostname: string;
  domainname?: string;
  hostNetwork: boolean;
  hostPid: boolean;
  hostIpc: boolean;
  ports: { containerPort: number; hostPort: number; hostIp?: string; protocol: string }[];
  /** Absent: the engine's own. */
  dns?: { servers: string[]; searches: string[]; options: string[] };
  hostAliases: { ip: string; hostnames: string[] }[];
  sysctls?: Record<string, string>;
  /** Instead of the runtime's own program that holds the namespaces. */
  image?: string;
  command?: string[];
  addCapabilities?: string[];
  /** For an image that writes files its pod shares, as resolv.conf. */
  writableRoot?: boolean;
  /** A fixed address outside the network's range; else the engine chooses. */
  ipv4Address?: string;
  /** The pod's wish how a simulated runtime should behave; others ignore it. */
  simulate?: string;
  /** Held mounted for as long as the pod lives, so that memory-backed volumes outlive container restarts. */
  mounts: MountSpec[];
}

export interface MountSpec {
  /** A path of this host, or the name of a volume of the engine. */
  source: string;
  type: 'bind' | 'volume';
  containerPath: string;
  readOnly: boolean;
  propagation?: 'private' | 'rslave' | 'rshared';
  /** The part of a volume that is mounted; all of it when absent. */
  subPath?: string;
}

/** What of the engine or of this host is mounted. */
export type MountSource = Pick<MountSpec, 'type' | 'source' | 'subPath' | 'propagation'>;

/** What a container may use. */
export interface RuntimeResources {
  /** A limit in billionths of a core. */
  nanoCpus?: number;
  /** A weight: 1024 per core asked for. */
  cpuShares: number;
  /** A limit. */
  memoryBytes?: number;
}

export interface ContainerSpec {
  name: string;
  labels: Record<string, string>;
  sandboxId: string;
  image: string;
  /** Replaces the image's entrypoint; the image's arguments are then not used. */
  command?: string[];
  args?: string[];
  workingDir?: string;
  /** KEY=value. */
  env: string[];
  mounts: MountSpec[];
  tty: boolean;
  stdin: boolean;
  stdinOnce: boolean;
  /** Joins the sandbox's process namespace too. */
  sharePid: boolean;
  /** Id of another container whose process namespace it joins instead. */
  pidTarget?: string;
  hostPid: boolean;
  hostIpc: boolean;
  resources: RuntimeResources;
  user?: string;
  supplementalGroups: string[];
  privileged: boolean;
  readOnlyRootFilesystem: boolean;
  noNewPrivileges: boolean;
  /** `unconfined` or a profile as JSON; absent: the engine's own. */
  seccomp?: string;
  /** `unconfined` or the name of a profile loaded on the engine's machine; absent: the engine's own. */
  appArmor?: string;
  /** /proc is whole, without the parts that engines hide. */
  unmaskedProc?: boolean;
  /** Instead of the image's own: SIGUSR1. */
  stopSignal?: string;
  addCapabilities: string[];
  dropCapabilities: string[];
  /** The pod's wish how a simulated runtime should behave; others ignore it. */
  simulate?: string;
  /** Its work ends by itself. A simulated runtime has to be told; others see. */
  ends: boolean;
  oomScoreAdj: number;
}

export type RuntimeState = 'created' | 'running' | 'exited';

/** A line of a listing: cheap, for noticing changes. */
export interface ListedContainer {
  id: string;
  labels: Record<string, string>;
  state: RuntimeState;
}

/** All that is known of a container. Times in ms. */
export interface RuntimeContainer extends ListedContainer {
  /** The image as it was asked for. */
  image: string;
  /** The image's repository digest where it has one, else its id. */
  imageId: string;
  tty: boolean;
  createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  oomKilled?: boolean;
  /** Why it could not be started. */
  error?: string;
  resources?: RuntimeResources;
  /** Address in the cluster's network; sandboxes only. */
  ip?: string;
}

export interface RuntimeEvent {
  id: string;
  labels: Record<string, string>;
  action: 'create' | 'start' | 'die' | 'oom' | 'destroy' | 'other';
  timeMs: number;
}

export interface PullProgress {
  /** The layer, or undefined for the image as a whole. */
  layer?: string;
  status: string;
  current?: number;
  total?: number;
}

export interface RegistryAuth {
  username?: string;
  password?: string;
  identitytoken?: string;
  serveraddress?: string;
}

export interface RuntimeLogOptions {
  follow: boolean;
  timestamps: boolean;
  /** Last lines only. */
  tail?: number;
  /** Seconds since the epoch, with fraction. */
  since?: string;
}

export interface RuntimeRunOptions {
  command?: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** A file of an image that is to be built. */
export interface BuildFile {
  /** Relative to the build's root. */
  name: string;
  data: Buffer | string;
  executable?: boolean;
}

/** Totals of a container since its start. */
export interface RuntimeStats {
  timeMs: number;
  /** CPU time used, in nanoseconds. */
  cpuTotalNanos: number;
  /** Working set: what is used without the file cache that can be dropped. */
  memoryBytes: number;
  networkRxBytes: number;
  networkTxBytes: number;
}

export interface ImageInfo {
  id: string;
  sizeBytes: number;
  /** The repository digest where it has one, else the id. */
  reference: string;
  user: string;
}

export interface MemoryVolume {
  sizeBytes?: number;
  /** The group that its files belong to. */
  group?: number;
}

export interface RuntimeVolume {
  name: string;
  labels: Record<string, string>;
  /** Where it is on the engine's machine. */
  path: string;
}

/** A failure in the engine's own words. */
export class RuntimeError extends Error {
  constructor(
    message: string,
    /** `unreachable` when the engine does not answer, `aborted` when the caller gave up. */
    readonly code: 'not-found' | 'conflict' | 'unreachable' | 'aborted' | 'unsupported' | 'failed',
  ) {
    super(message);
    this.name = 'RuntimeError';
  }
}

/**
 * What a node agent needs of a container engine. A runtime belongs to one cluster and
 * neither lists nor touches what does not carry that cluster's label. Failures throw
 * RuntimeError. Long calls end when their signal does.
 */
export interface Runtime {
  readonly kind: 'docker' | 'simulated';
  /** Never throws: an engine that does not answer is described as such. */
  info(): Promise<RuntimeInfo>;
  /** Creates the cluster's network when it is missing. */
  ensureNetwork(): Promise<NetworkInfo>;
  /** Creates and starts; answers its id. */
  createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<string>;
  /** Creates without starting; answers its id. */
  createContainer(spec: ContainerSpec, signal?: AbortSignal): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Changes what a container may use while it runs. A limit can be changed but not taken away. */
  updateResources(id: string, resources: RuntimeResources): Promise<void>;
  /** Sends the container's stop signal, then SIGKILL after the grace. Resolves when it has ended; abort `signal` to kill at once. */
  stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void>;
  /** Kills and removes. Missing ones are no error. */
  removeContainer(id: string): Promise<void>;
  /** Those that carry all the labels. */
  list(labels?: Record<string, string>): Promise<ListedContainer[]>;
  /** Undefined when there is none. */
  inspect(id: string): Promise<RuntimeContainer | undefined>;
  /** Runs a command, or with no command attaches to the container's own process. */
  run(id: string, options: RuntimeRunOptions): Promise<RunSession>;
  /** Whether the container is well, of a runtime where there is nothing to connect to. */
  probe?(id: string): Promise<boolean>;
  logs(id: string, options: RuntimeLogOptions): Promise<Readable>;
  /** A volume kept by the engine; memory-backed with `memory`. One that exists is left as it is. */
  createVolume(name: string, labels: Record<string, string>, memory?: MemoryVolume): Promise<void>;
  /** A volume of this cluster; undefined when there is none of that name. */
  volume(name: string): Promise<RuntimeVolume | undefined>;
  /**
   * Makes a directory inside a volume unless something is there, and answers how to mount it; where there is
   * nothing real all of the volume is mounted. @param path relative, without `..` @param group whose it will be
   */
  partOfVolume?(name: string, path: string, group?: number): Promise<MountSource>;
  /** Gives the top of a volume to a group, to which what is made in it will belong. */
  giveVolume?(name: string, group: number): Promise<void>;
  /** Those that carry all the labels. */
  volumes(labels: Record<string, string>): Promise<RuntimeVolume[]>;
  /**
   * Removes the volumes that carry all the labels, and those of the names: an engine that is stopped while it makes
   * a volume knows it without labels afterwards.
   */
  removeVolumes(labels: Record<string, string>, names?: readonly string[]): Promise<void>;
  /** Bytes in each volume of the engine by its name, where the runtime can tell. Costly: to be asked seldom. */
  volumeSizes?(): Promise<Map<string, number>>;
  /** Undefined when the container does not run. */
  stats(id: string): Promise<RuntimeStats | undefined>;
  /** Bytes a container wrote into its own file system, where the runtime can tell. */
  writtenBytes?(id: string): Promise<number | undefined>;
  image(reference: string): Promise<ImageInfo | undefined>;
  /** Ids of the images that any container on the engine was made of. */
  imagesInUse?(): Promise<Set<string>>;
  /** Takes a name off an image, and the image away with its last name. Refused while containers use it. */
  removeImage?(reference: string): Promise<void>;
  pullImage(
    reference: string,
    options?: {
      auth?: RegistryAuth;
      onProgress?: (progress: PullProgress) => void;
      signal?: AbortSignal;
      /** As in SandboxSpec. */
      simulate?: string;
    },
  ): Promise<void>;
  /** Builds an image from a Dockerfile and the files beside it, where the runtime can. */
  buildImage?(
    reference: string,
    files: BuildFile[],
    options?: { onProgress?: (line: string) => void; signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Delivers what happens to containers with the labels until the signal is aborted.
   * Rejects when the stream breaks; what happened in between must then be found by listing.
   */
  events(labels: Record<string, string>, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
  /** Ends what this object holds open. Containers stay. */
  dispose(): void;
}
