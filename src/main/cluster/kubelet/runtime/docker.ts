import Docker from 'dockerode';
import { homedir } from 'node:os';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunSession } from '../../apiserver/node-connection';
import type { Logger } from '../../log';
import { dockerError, isNotFound } from './docker-errors';
import { findDockerEndpoint, type DockerEndpoint } from './docker-host';
import { buildImage, ensurePauseImage, imageInfo, pullImage } from './docker-images';
import { ensureNetwork } from './docker-network';
import { containerOf, containerOptions, resourceOptions, sandboxOptions, stateOf, statsOf } from './docker-specs';
import { attachTo, execIn, logsOf, ReadMarks } from './docker-sessions';
import { giveVolume, makeDirectory, volumeSizes } from './docker-volumes';
import { withTag } from './image-reference';
import { pauseImage } from './pause-image';
import { removeContainer } from './remove-container';
import {
  labels,
  RuntimeError,
  type BuildFile,
  type ContainerSpec,
  type ImageInfo,
  type ListedContainer,
  type MemoryVolume,
  type MountSource,
  type NetworkInfo,
  type Runtime,
  type RuntimeContainer,
  type RuntimeEvent,
  type RuntimeInfo,
  type RuntimeLogOptions,
  type RuntimeResources,
  type RuntimeRunOptions,
  type RuntimeStats,
  type RuntimeVolume,
  type SandboxSpec,
} from './types';

export interface DockerRuntimeOptions {
  clusterId: string;
  log: Logger;
  /** unix:///path, npipe:////./pipe/name, tcp://host:port. Default: as the docker command finds it. */
  dockerHost?: string;
  /** CIDR of the cluster's bridge network; the engine chooses when absent. */
  subnet?: string;
}

const infoTimeoutMs = 5000;

/** The runtime on a Docker Engine. Does not connect until asked something. @throws Error for an unusable dockerHost */
export function createDockerRuntime(options: DockerRuntimeOptions): Runtime {
  const endpoint = findDockerEndpoint(options.dockerHost, {
    env: process.env,
    home: homedir(),
    platform: process.platform,
    uid: process.getuid?.(),
  });
  return new DockerRuntime(new Docker(endpoint.options), endpoint, options);
}

class DockerRuntime implements Runtime {
  readonly kind = 'docker';
  private readonly networkName: string;
  private readonly ended = new AbortController();
  private readonly marks = new ReadMarks();
  private pause: Promise<void> | undefined;
  /** Of several calls at a time one makes the network. */
  private network: Promise<NetworkInfo> | undefined;
  private architecture = 'amd64';
  /** Digests by image id; an id never changes its meaning, so this only grows with the images in use. */
  private readonly digests = new Map<string, string>();

  constructor(
    private readonly docker: Docker,
    private readonly endpoint: DockerEndpoint,
    private readonly options: DockerRuntimeOptions,
  ) {
    this.networkName = `gantry-${options.clusterId}`;
  }

  async info(): Promise<RuntimeInfo> {
    const base = { name: 'docker', endpoint: this.endpoint.url, local: this.endpoint.local };
    try {
      const info = await this.call(
        () => this.docker.info({ abortSignal: AbortSignal.timeout(infoTimeoutMs) } as never) as unknown as Promise<any>,
      );
      if (info.OSType !== 'linux') {
        throw new RuntimeError(
          `the engine runs ${info.OSType} containers; Kubernetes pods here need Linux containers`,
          'unsupported',
        );
      }
      this.architecture = { x86_64: 'amd64', aarch64: 'arm64' }[info.Architecture as string] ?? info.Architecture;
      return {
        ...base,
        reachable: true,
        version: info.ServerVersion,
        operatingSystem: info.OSType,
        osImage: info.OperatingSystem,
        kernelVersion: info.KernelVersion,
        architecture: this.architecture,
        cpus: info.NCPU,
        memoryBytes: info.MemTotal,
        appArmor: (info.SecurityOptions as string[] | null)?.some((one) => /\bname=apparmor\b/.test(one)) ?? false,
        dataDirectory: info.DockerRootDir,
      };
    } catch (error) {
      const aborted = error instanceof RuntimeError && error.code === 'aborted';
      const reason = aborted
        ? `the Docker daemon at ${this.endpoint.url} did not answer in ${infoTimeoutMs / 1000} s`
        : (error as Error).message;
      const unknown = {
        version: '',
        operatingSystem: 'linux',
        osImage: '',
        kernelVersion: '',
        architecture: this.architecture,
        cpus: 0,
        memoryBytes: 0,
      };
      return { ...base, ...unknown, reachable: false, reason };
    }
  }

  ensureNetwork(): Promise<NetworkInfo> {
    this.network ??= this.call(() =>
      ensureNetwork(this.docker, this.networkName, { [labels.cluster]: this.options.clusterId }, this.options.subnet),
    ).finally(() => (this.network = undefined));
    return this.network;
  }

  async createSandbox(spec: SandboxSpec, signal?: AbortSignal): Promise<string> {
    await this.ensurePause();
    if (!spec.hostNetwork) await this.ensureNetwork();
    const own = { ...spec, labels: this.withCluster(spec.labels) };
    const id = await this.create(sandboxOptions(own, pauseImage, this.networkName), signal);
    try {
      await this.startContainer(id);
    } catch (error) {
      await this.removeContainer(id).catch(() => {});
      throw error;
    }
    return id;
  }

  createContainer(spec: ContainerSpec, signal?: AbortSignal): Promise<string> {
    return this.create(containerOptions({ ...spec, labels: this.withCluster(spec.labels) }), signal);
  }

  async startContainer(id: string): Promise<void> {
    await this.call(() => this.docker.getContainer(id).start());
  }

  async updateResources(id: string, resources: RuntimeResources): Promise<void> {
    await this.call(() => this.docker.getContainer(id).update(resourceOptions(resources)));
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const container = this.docker.getContainer(id);
    // With a wait of our own instead of the engine's `stop?t=`, so that it can be cut short.
    const ended = this.optional(() => container.wait());
    if (graceSeconds > 0 && !signal?.aborted) {
      const stop =
        ((await this.optional(() => container.inspect()))?.Config as { StopSignal?: string })?.StopSignal || 'SIGTERM';
      await this.kill(id, stop);
      const timer = new AbortController();
      const cut = AbortSignal.any([timer.signal, ...(signal ? [signal] : [])]);
      const over = sleep(graceSeconds * 1000, undefined, { signal: cut }).catch(() => {});
      const result = await Promise.race([ended.then(() => 'ended' as const), over]);
      timer.abort();
      if (result === 'ended') return;
    }
    await this.kill(id, 'SIGKILL');
    await ended;
  }

  private async kill(id: string, signal: string): Promise<void> {
    try {
      await this.call(() => this.docker.getContainer(id).kill({ signal }));
    } catch (error) {
      // It is gone or has ended by itself, which is what was wanted.
      if (!(error instanceof RuntimeError) || (error.code !== 'not-found' && !/is not running/.test(error.message)))
        throw error;
    }
  }

  removeContainer(id: string): Promise<void> {
    return this.call(() => removeContainer(this.docker, id));
  }

  async list(wanted: Record<string, string> = {}): Promise<ListedContainer[]> {
    const found = await this.call(() =>
      this.docker.listContainers({ all: true, filters: JSON.stringify({ label: this.filter(wanted) }) as never }),
    );
    return found.map((one) => ({ id: one.Id, labels: one.Labels, state: stateOf(one.State) }));
  }

  async inspect(id: string): Promise<RuntimeContainer | undefined> {
    const info = await this.optional(() => this.docker.getContainer(id).inspect());
    if (!info || info.Config.Labels?.[labels.cluster] !== this.options.clusterId) return undefined;
    const container = containerOf(info, this.networkName);
    return { ...container, imageId: await this.digestOf(container.imageId) };
  }

  private async digestOf(imageId: string): Promise<string> {
    const known = this.digests.get(imageId);
    if (known) return known;
    const reference = (await this.image(imageId))?.reference ?? imageId;
    this.digests.set(imageId, reference);
    return reference;
  }

  run(id: string, options: RuntimeRunOptions): Promise<RunSession> {
    return this.call(() =>
      options.command
        ? execIn(this.docker.getContainer(id), options, options.command)
        : attachTo(this.docker, id, options, this.marks),
    );
  }

  logs(id: string, options: RuntimeLogOptions): Promise<Readable> {
    return this.call(async () => {
      const log = await logsOf(this.docker, id, options);
      if (!options.follow) this.marks.note(id);
      return log;
    });
  }

  async createVolume(name: string, wanted: Record<string, string>, memory?: MemoryVolume): Promise<void> {
    const size = memory?.sizeBytes ? `size=${memory.sizeBytes},` : '';
    const mode = memory?.group === undefined ? 'mode=0777' : `mode=2777,gid=${memory.group}`;
    await this.call(() =>
      this.docker.createVolume({
        Name: name,
        Driver: 'local',
        Labels: this.withCluster(wanted),
        ...(memory ? { DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: `${size}${mode}` } } : {}),
      }),
    );
  }

  async volume(name: string): Promise<RuntimeVolume | undefined> {
    const found = await this.optional(() => this.docker.getVolume(name).inspect());
    if (found?.Labels?.[labels.cluster] !== this.options.clusterId) return undefined;
    return { name, labels: found.Labels, path: found.Mountpoint };
  }

  async partOfVolume(name: string, path: string, group?: number): Promise<MountSource> {
    await this.ensurePause();
    await this.call(() => makeDirectory(this.docker, name, { path, group }, this.helper));
    const { ApiVersion } = await this.call(() => this.docker.version());
    const [major = 0, minor = 0] = ApiVersion.split('.').map(Number);
    if (major > 1 || minor >= 45) return { type: 'volume', source: name, subPath: path };
    // Older engines mount volumes as a whole only, but what is in them like any directory of their own.
    const volume = await this.call(() => this.docker.getVolume(name).inspect());
    return { type: 'bind', source: posix.join(volume.Mountpoint, path), propagation: 'rslave' };
  }

  async giveVolume(name: string, group: number): Promise<void> {
    await this.ensurePause();
    await this.call(() => giveVolume(this.docker, name, group, this.helper));
  }

  async volumes(wanted: Record<string, string>): Promise<RuntimeVolume[]> {
    const found = await this.call(() =>
      this.docker.listVolumes({ filters: JSON.stringify({ label: this.filter(wanted) }) as never }),
    );
    return (found.Volumes ?? []).map(({ Name, Labels, Mountpoint }) => ({
      name: Name,
      labels: Labels,
      path: Mountpoint,
    }));
  }

  async removeVolumes(wanted: Record<string, string>, names: readonly string[] = []): Promise<void> {
    const labelled = (await this.volumes(wanted)).map(({ name }) => name);
    for (const name of new Set([...labelled, ...names]))
      await this.optional(() => this.docker.getVolume(name).remove());
  }

  volumeSizes(): Promise<Map<string, number>> {
    return this.call(() => volumeSizes(this.docker));
  }

  async stats(id: string): Promise<RuntimeStats | undefined> {
    const answer = await this.optional(
      () =>
        this.docker
          .getContainer(id)
          .stats({ stream: false, 'one-shot': true } as never) as unknown as Promise<Docker.ContainerStats>,
    );
    return answer ? statsOf(answer) : undefined;
  }

  async writtenBytes(id: string): Promise<number | undefined> {
    const container = this.docker.getContainer(id);
    const found = await this.optional(
      () => container.inspect({ size: true } as never) as unknown as Promise<{ SizeRw?: number }>,
    );
    return found?.SizeRw;
  }

  async imagesInUse(): Promise<Set<string>> {
    const containers = await this.call(() => this.docker.listContainers({ all: true }));
    return new Set(containers.map((one) => one.ImageID));
  }

  async removeImage(reference: string): Promise<void> {
    const removal = this.docker.getImage(withTag(reference));
    await this.optional(async () => void (await removal.remove()));
  }

  image(reference: string): Promise<ImageInfo | undefined> {
    return this.call(() => imageInfo(this.docker, reference));
  }

  async pullImage(reference: string, options: Parameters<Runtime['pullImage']>[1] = {}): Promise<void> {
    await this.call(() => pullImage(this.docker, reference, options), options.signal);
  }

  async buildImage(reference: string, files: BuildFile[], options: Parameters<NonNullable<Runtime['buildImage']>>[2]) {
    await this.call(() => buildImage(this.docker, reference, files, options), options?.signal);
  }

  async events(
    wanted: Record<string, string>,
    listener: (event: RuntimeEvent) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const abortSignal = AbortSignal.any([signal, this.ended.signal]);
    const filters = JSON.stringify({ type: ['container'], label: this.filter(wanted) });
    try {
      const stream = (await this.docker.getEvents({ filters, abortSignal } as never)) as unknown as Readable;
      let rest = '';
      for await (const chunk of stream) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop()!;
        for (const line of lines.filter((text) => text.trim())) listener(eventOf(JSON.parse(line)));
      }
    } catch (error) {
      if (abortSignal.aborted) return;
      throw dockerError(error, this.endpoint.url);
    }
    if (!abortSignal.aborted)
      throw new RuntimeError(`the event stream of the Docker daemon at ${this.endpoint.url} ended`, 'unreachable');
  }

  dispose(): void {
    this.ended.abort();
  }

  private withCluster(wanted: Record<string, string>): Record<string, string> {
    return { ...wanted, [labels.cluster]: this.options.clusterId };
  }

  private filter(wanted: Record<string, string>): string[] {
    return Object.entries(this.withCluster(wanted)).map(([key, value]) => `${key}=${value}`);
  }

  /** Creates; what is left of an earlier try under the same name gives way when it is ours. */
  private async create(wanted: Docker.ContainerCreateOptions, signal?: AbortSignal): Promise<string> {
    const attempt = (): Promise<Docker.Container> =>
      this.call(() => this.docker.createContainer({ ...wanted, abortSignal: signal }), signal);
    try {
      return (await attempt()).id;
    } catch (error) {
      if (!(error instanceof RuntimeError) || error.code !== 'conflict' || !/already in use/.test(error.message))
        throw error;
      const old = await this.inspect(wanted.name!);
      if (!old || old.state === 'running') throw error;
      await this.removeContainer(old.id);
      return (await attempt()).id;
    }
  }

  /** What the containers are by which volumes are looked into. */
  private get helper(): { image: string; labels: Record<string, string> } {
    return { image: pauseImage, labels: this.withCluster({}) };
  }

  private ensurePause(): Promise<void> {
    this.pause ??= this.call(() => ensurePauseImage(this.docker, this.architecture)).catch((error) => {
      this.pause = undefined;
      throw error;
    });
    return this.pause;
  }

  private async call<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw dockerError(error, this.endpoint.url, signal);
    }
  }

  private async optional<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.call(work);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function eventOf(message: {
  Action?: string;
  time?: number;
  timeNano?: number;
  Actor?: { ID: string; Attributes?: Record<string, string> };
}): RuntimeEvent {
  const known = ['create', 'start', 'die', 'oom', 'destroy'] as const;
  return {
    id: message.Actor?.ID ?? '',
    labels: message.Actor?.Attributes ?? {},
    action: known.find((word) => word === message.Action) ?? 'other',
    timeMs: message.timeNano ? message.timeNano / 1e6 : (message.time ?? 0) * 1000,
  };
}
