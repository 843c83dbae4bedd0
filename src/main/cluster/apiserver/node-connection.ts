import type { Duplex, Readable, Writable } from 'node:stream';

/** What pods/log asks of a node; field names are those of the API's PodLogOptions. */
export interface LogOptions {
  container: string;
  follow?: boolean;
  previous?: boolean;
  timestamps?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  /** RFC 3339. */
  sinceTime?: string;
  limitBytes?: number;
}

export interface RunOptions {
  container: string;
  /** Absent: attach to the container's own process. */
  command?: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

export interface RunSession {
  stdin: Writable | null;
  stdout: Readable | null;
  stderr: Readable | null;
  resize(columns: number, rows: number): void;
  done: Promise<{ exitCode: number; error?: string }>;
  close(): void;
}

/**
 * The API server's way to a node, what the kubelet's own API is in Kubernetes.
 * The cluster's composition root registers one per node agent. Errors are
 * ApiError with the kubelet's words (e.g. 400 `container "x" in pod "y" is waiting to start: ErrImagePull`).
 */
export interface NodeConnection {
  /** Ends when the log does (or, with follow, when the container ends); destroy it to stop. */
  logs(namespace: string, pod: string, options: LogOptions): Promise<Readable>;
  run(namespace: string, pod: string, options: RunOptions): Promise<RunSession>;
  portForward(namespace: string, pod: string, port: number): Promise<Duplex>;
}

/** Usage samples for metrics.k8s.io. cpu in nanocores, memory (working set) in bytes, time in ms. */
export interface UsageSample {
  time: number;
  windowMs: number;
  cpuNanocores: number;
  memoryBytes: number;
}

export interface MetricsSource {
  node(name: string): UsageSample | undefined;
  /** Usage per container of a pod. */
  pod(namespace: string, name: string): Record<string, UsageSample> | undefined;
}
