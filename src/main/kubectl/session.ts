import { STATUS_CODES } from 'node:http';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import {
  kubeconfigFiles,
  loadKubeconfig,
  resolveContext,
  transportForContext,
  type Kubeconfig,
  type KubeconfigCluster,
  type KubeconfigUser,
  type ResolvedContext,
} from '../catalog/kubeconfig';
import type { KubeRequest, KubeResponse, KubeTransport, KubeWatch } from '../cluster/client/transport';
import { Discovery } from './discovery';
import { KubectlError } from './errors';
import { parseGoDuration, type FlagValues } from './flags';
import type { KubectlIo } from './io';

export interface SessionOptions {
  /** A connection to use in place of the kubeconfig's; it is left open. */
  transport?: KubeTransport;
  /** The time ages are counted to, in ms since the epoch; the system's unless told. */
  now?: () => number;
}

/** One run's way to the cluster: kubeconfig, connection and discovery, each made when first needed. */
export class Session {
  private configPromise?: Promise<Kubeconfig>;
  private transportPromise?: Promise<KubeTransport>;
  private discoveryPromise?: Promise<Discovery>;
  private warned = 0;

  constructor(
    private readonly io: KubectlIo,
    private readonly flags: FlagValues,
    private readonly options: SessionOptions = {},
  ) {}

  /** ms since the epoch. */
  now(): number {
    return (this.options.now ?? Date.now)();
  }

  get warnings(): number {
    return this.warned;
  }

  /** The kubeconfig files in the order they count. */
  configFiles(): string[] {
    const home = this.io.env.HOME ?? homedir();
    const explicit = this.flags.string('kubeconfig');
    return kubeconfigFiles(this.io.env, home, explicit).map((file) => resolve(this.io.cwd, file));
  }

  /** @throws KubectlError when a file is broken, or the one named with --kubeconfig does not exist */
  async config(): Promise<Kubeconfig> {
    const config = await this.configAsFound();
    const missing = this.flags.changed('kubeconfig') && config.errors[0];
    if (missing) throw new KubectlError(`stat ${missing.file}: no such file or directory`);
    return config;
  }

  /** As `config`, where a file that does not exist is as good as an empty one. @throws KubectlError when one is broken */
  configAsFound(): Promise<Kubeconfig> {
    this.configPromise ??= loadKubeconfig(this.configFiles()).then((config) => {
      const fatal = config.errors.find((error) => !error.missing);
      if (fatal) throw new KubectlError(`error loading config file "${fatal.file}": ${fatal.message}`);
      return config;
    });
    return this.configPromise;
  }

  private overrides(): { clusterFields: KubeconfigCluster; userFields: KubeconfigUser } {
    const { flags } = this;
    const clusterFields: KubeconfigCluster = {};
    const userFields: KubeconfigUser = {};
    const path = (flag: string): string => resolve(this.io.cwd, flags.string(flag));
    const server = flags.string('server');
    if (server) clusterFields.server = /^https?:\/\//.test(server) ? server : `http://${server}`;
    if (flags.changed('certificate-authority')) clusterFields['certificate-authority'] = path('certificate-authority');
    if (flags.bool('insecure-skip-tls-verify')) clusterFields['insecure-skip-tls-verify'] = true;
    if (flags.changed('tls-server-name')) clusterFields['tls-server-name'] = flags.string('tls-server-name');
    if (flags.changed('client-certificate')) userFields['client-certificate'] = path('client-certificate');
    if (flags.changed('client-key')) userFields['client-key'] = path('client-key');
    for (const name of ['token', 'username', 'password', 'as', 'as-uid']) {
      if (flags.changed(name)) userFields[name] = flags.string(name);
    }
    if (flags.changed('as-group')) userFields['as-groups'] = flags.list('as-group');
    return { clusterFields, userFields };
  }

  /** The context in use with the flags laid over it. @throws KubectlError when a name has no entry */
  async context(): Promise<ResolvedContext> {
    const config = await this.config();
    try {
      return resolveContext(config, this.flags.string('context'), {
        cluster: this.flags.string('cluster') || undefined,
        user: this.flags.string('user') || undefined,
        ...this.overrides(),
      });
    } catch (error) {
      throw new KubectlError(`Error in configuration: ${(error as Error).message}`, { bare: true });
    }
  }

  /** Whether -n was given. */
  get namespaceGiven(): boolean {
    return this.flags.string('namespace') !== '';
  }

  /** The namespace to work in: -n, the context's, or `default`. */
  async namespace(): Promise<string> {
    if (this.namespaceGiven) return this.flags.string('namespace');
    // With a connection handed in, a broken or absent kubeconfig is nobody's business.
    const context = await this.context().catch((error: unknown) => {
      if (this.options.transport) return undefined;
      throw error;
    });
    return context?.namespace || 'default';
  }

  transport(): Promise<KubeTransport> {
    this.transportPromise ??= this.connect();
    return this.transportPromise;
  }

  private async connect(): Promise<KubeTransport> {
    if (this.options.transport) return this.options.transport;
    const context = await this.context();
    context.cluster.server ??= 'http://localhost:8080';
    return transportForContext(await this.config(), context, this.io.env);
  }

  discovery(): Promise<Discovery> {
    this.discoveryPromise ??= this.transport().then((transport) => Discovery.load(transport));
    return this.discoveryPromise;
  }

  private signal(): AbortSignal | undefined {
    const text = this.flags.string('request-timeout');
    const ms = /^\d+$/.test(text) ? Number(text) * 1000 : (parseGoDuration(text) ?? 0);
    const timeout = ms > 0 ? AbortSignal.timeout(ms) : undefined;
    if (timeout && this.io.signal) return AbortSignal.any([timeout, this.io.signal]);
    return timeout ?? this.io.signal;
  }

  /** The request as somebody without kubectl would make it. */
  private async asCurl({ method, path, accept = 'application/json' }: KubeRequest, query: string): Promise<string> {
    const server = this.options.transport ? '' : (await this.context()).cluster.server;
    return `curl -v -X${method} -H "Accept: ${accept}" '${server ?? ''}${path}${query ? `?${query}` : ''}'`;
  }

  private trace(level: number, text: string): void {
    if (this.flags.int('v') >= level) this.io.stderr.write(`${text}\n`);
  }

  /** One request; the server's warnings go to stderr. @throws ApiError */
  async request<T = any>(request: KubeRequest): Promise<KubeResponse<T>> {
    const transport = await this.transport();
    const started = Date.now();
    const query = new URLSearchParams(
      Object.entries(request.query ?? {}).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, String(value)]],
      ),
    ).toString();
    const line = `${request.method} ${request.path}${query ? `?${query}` : ''}`;
    if (this.flags.int('v') >= 9) this.trace(9, await this.asCurl(request, query));
    if (request.body !== undefined) this.trace(8, `Request Body: ${JSON.stringify(request.body)}`);
    try {
      const response = await transport.request<T>({ signal: this.signal(), ...request });
      this.trace(
        6,
        `${line} ${response.status} ${STATUS_CODES[response.status] ?? ''} in ${Date.now() - started} milliseconds`,
      );
      this.trace(8, `Response Body: ${JSON.stringify(response.body)}`);
      for (const warning of response.warnings) this.io.stderr.write(`Warning: ${warning}\n`);
      this.warned += response.warnings.length;
      return response;
    } catch (error) {
      this.trace(6, `${line} failed in ${Date.now() - started} milliseconds: ${(error as Error).message}`);
      throw error;
    }
  }

  async watch<T = any>(request: KubeRequest): Promise<KubeWatch<T>> {
    const transport = await this.transport();
    this.trace(6, `WATCH ${request.path}`);
    return transport.watch<T>({ signal: this.signal(), ...request });
  }

  async stream(request: KubeRequest): Promise<Readable> {
    const transport = await this.transport();
    this.trace(6, `${request.method} ${request.path}`);
    return transport.stream({ signal: this.io.signal, ...request });
  }

  /** Closes the connection this run opened; one that was handed in stays open. */
  async close(): Promise<void> {
    if (this.options.transport || !this.transportPromise) return;
    const transport = await this.transportPromise.catch(() => undefined);
    transport?.close();
  }
}
