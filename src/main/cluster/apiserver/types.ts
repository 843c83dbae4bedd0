import type { Duplex, Readable } from 'node:stream';
import type { KubeObject, WatchEvent } from '@shared/k8s';
import type { Media } from './negotiation';
import type { RunOptions, RunSession } from './node-connection';
import type { ProxyTarget } from './proxy';

/** Who asks. */
export interface UserInfo {
  name: string;
  groups: string[];
  uid?: string;
  extra?: Record<string, string[]>;
}

/** One request, from whichever side it came in. */
export interface ApiRequest {
  method: string;
  /** The path without query: `/api/v1/namespaces/default/pods`. */
  path: string;
  query: URLSearchParams;
  accept?: string;
  contentType?: string;
  /** What the client calls itself; its first word names the manager of what it writes. */
  userAgent?: string;
  /** The versions of a document that the client has, as HTTP's If-None-Match. */
  ifNoneMatch?: string;
  /** Text or bytes are decoded as `contentType` says; anything else is taken as the object itself and never changed. */
  body?: unknown;
  user: UserInfo;
  /** Adds to what the audit log says of the request, where there is one. */
  annotate?(key: string, value: string): void;
}

/** An object together with its encoding. A stored object is one; views (Table, metadata only) make their own. */
export interface Encoded {
  readonly value: KubeObject;
  readonly json: string;
}

/** An object to answer with; its encoding where there is one already. */
export interface Answer {
  readonly value: KubeObject;
  readonly json?: string;
}

/** An event of a served watch. */
export interface WatchDelivery {
  type: WatchEvent['type'];
  object: Encoded;
}

export interface WatchSink {
  event(delivery: WatchDelivery): void;
  /** The server ends the watch: its time is over or an ERROR was sent. */
  end(): void;
}

/** A watch that was accepted; nothing flows before `start`. */
export interface ServedWatch {
  /** Delivers synchronously what is there already, then live. */
  start(sink: WatchSink): { close(): void };
}

export interface ListPayload {
  type: 'list';
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: readonly Encoded[];
}

/** What a request is answered with, before it is encoded. */
export type Payload =
  | { type: 'object'; object: Answer; contentType?: string }
  | ListPayload
  | { type: 'text'; contentType: string; text: string }
  | { type: 'bytes'; contentType: string; bytes: Uint8Array }
  | { type: 'stream'; contentType: string; stream: Readable }
  | { type: 'watch'; watch: ServedWatch }
  | { type: 'run'; options: RunOptions; start(): Promise<RunSession> }
  | { type: 'portForward'; ports: number[]; connect(port: number): Promise<Duplex> }
  | { type: 'proxy'; target: ProxyTarget };

export interface ApiResponse {
  status: number;
  warnings: string[];
  /** What the client wants it encoded in; JSON unless told. */
  media?: Media;
  /** Further HTTP headers. */
  headers?: Record<string, string>;
  payload: Payload;
}
