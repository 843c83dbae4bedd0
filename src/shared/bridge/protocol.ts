/**
 * The messages between the page and the app, the same over Electron's
 * MessagePort and the browser host's WebSocket. All values are JSON values, so
 * they survive structured clone as well. The page numbers its calls and streams.
 */
export type ToHost =
  | { type: 'call'; id: number; method: string; params: unknown }
  | { type: 'open'; id: number; stream: string; params: unknown }
  /** Input to an open stream: key strokes, a resize. */
  | { type: 'input'; id: number; data: unknown }
  /** The page has taken `count` messages of the stream: the sender keeps at most WINDOW ahead. */
  | { type: 'ack'; id: number; count: number }
  /** Ends a stream, or cancels a call that is still running. */
  | { type: 'close'; id: number };

export type ToPage =
  | { type: 'result'; id: number; value: unknown }
  | { type: 'error'; id: number; error: BridgeError }
  | { type: 'data'; id: number; data: unknown }
  /** The stream is over; with `error`, because something failed. */
  | { type: 'end'; id: number; error?: BridgeError };

/** How many unacknowledged messages a stream may have on the way. */
export const WINDOW = 64;

/** A failure as the user is told of it (D12): the reason, the object, what to do. */
export interface BridgeError {
  /** `invalidParams`, `unknownMethod`, `cancelled`, `unavailable`, `internal`, or a Kubernetes reason such as `NotFound`. */
  code: string;
  message: string;
  /** HTTP status where an API answered. */
  status?: number;
  /** What the failure is about, e.g. `deployments.apps "web"`. */
  object?: string;
  /** What the user can do. */
  hint?: string;
  causes?: { field?: string; message: string; reason?: string }[];
}

/** A pipe for messages; the page's and the host's ends have the same shape. */
export interface Port<Out, In> {
  post(message: Out): void;
  onMessage(listener: (message: In) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}
