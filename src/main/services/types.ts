import type {
  MethodName,
  ParamsOf,
  ResultOf,
  StreamDataOf,
  StreamInputOf,
  StreamName,
  StreamParamsOf,
} from '@shared/bridge/contract';

export interface CallContext {
  /** Aborted when the page cancels the call or goes away. */
  signal: AbortSignal;
}

export interface StreamContext<I> {
  /** Aborted when the page closes the stream or goes away. */
  signal: AbortSignal;
  /** Sets the taker of the page's input; input that came earlier is delivered first. */
  onInput(listener: (input: I) => void): void;
}

/** Parameters have passed the contract's schema. Failures are thrown. */
export type Methods = { [M in MethodName]: (params: ParamsOf<M>, context: CallContext) => Promise<ResultOf<M>> };

/**
 * A stream is pulled: the next message is asked for only when the page has room,
 * so a source that waits between messages coalesces or holds its producer back.
 * Returning ends the stream, throwing ends it with the error.
 */
export type Streams = {
  [S in StreamName]: (
    params: StreamParamsOf<S>,
    context: StreamContext<StreamInputOf<S>>,
  ) => AsyncIterable<StreamDataOf<S>>;
};

/** All that the page can ask for, whatever host carries the question. */
export interface Services {
  methods: Methods;
  streams: Streams;
  /** Ends sessions, watches and timers. */
  close(): Promise<void>;
}
