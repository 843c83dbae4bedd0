import type { Duplex, Readable, Writable } from 'node:stream';
import type { KubeObject, WatchEvent } from '@shared/k8s';

/** One request to a Kubernetes API. Paths are the API's own: `/api/v1/namespaces/default/pods`. */
export interface KubeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** An object (sent as JSON) or text/bytes already encoded as `contentType` says. */
  body?: unknown;
  /** Defaults to application/json; patches name theirs (application/merge-patch+json …). */
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
}

export interface KubeResponse<T = any> {
  status: number;
  body: T;
  /** Texts of Warning headers. */
  warnings: string[];
}

export interface KubeWatch<T = KubeObject> extends AsyncIterable<WatchEvent<T>> {
  close(): void;
}

/** How a command run in a container ended. */
export interface ExecResult {
  exitCode: number;
  /** Why it could not run at all, in the runtime's words. */
  error?: string;
}

/** A running exec or attach. With a TTY there is no separate stderr. */
export interface ExecSession {
  stdin: Writable | null;
  stdout: Readable | null;
  stderr: Readable | null;
  resize(columns: number, rows: number): void;
  done: Promise<ExecResult>;
  close(): void;
}

export interface ExecOptions {
  namespace: string;
  pod: string;
  container?: string;
  /** Absent for attach. */
  command?: string[];
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  tty?: boolean;
}

/**
 * The one way to speak to a cluster. In-process it goes straight into the API
 * server's handler (objects are then shared and frozen: never change one you
 * were given); over HTTPS it speaks to any cluster a kubeconfig names.
 * Failures throw ApiError with the API's Status.
 */
export interface KubeTransport {
  request<T = any>(request: KubeRequest): Promise<KubeResponse<T>>;
  /** A watch from `query.resourceVersion`; ends when the server ends it; an ERROR event is yielded, not thrown. */
  watch<T = KubeObject>(request: KubeRequest): Promise<KubeWatch<T>>;
  /** A response body as it comes (logs with follow). */
  stream(request: KubeRequest): Promise<Readable>;
  exec(options: ExecOptions): Promise<ExecSession>;
  /** A connection to a port of a pod. */
  portForward(namespace: string, pod: string, port: number): Promise<Duplex>;
  /** Ends what is open. */
  close(): void;
}
