import type { KubeTransport } from '../cluster/client/transport';

/**
 * A transport that connects with its first use, and again when connecting had failed.
 * @param observe is told how each request and watch began: undefined for well, else the failure
 */
export function lazyTransport(
  connect: () => Promise<KubeTransport>,
  observe: (failure?: unknown) => void,
): KubeTransport {
  let connection: Promise<KubeTransport> | undefined;
  let closed = false;
  const connected = (): Promise<KubeTransport> => {
    if (closed) return Promise.reject(new Error('The connection to the cluster was closed.'));
    connection ??= connect().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  const using = async <T>(use: (transport: KubeTransport) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    try {
      const result = await use(await connected());
      observe();
      return result;
    } catch (error) {
      if (!signal?.aborted && !closed) observe(error);
      throw error;
    }
  };
  return {
    request: (request) => using((transport) => transport.request(request), request.signal),
    watch: (request) => using((transport) => transport.watch(request), request.signal),
    stream: (request) => using((transport) => transport.stream(request), request.signal),
    exec: (options) => using((transport) => transport.exec(options)),
    portForward: (namespace, pod, port) => using((transport) => transport.portForward(namespace, pod, port)),
    close() {
      closed = true;
      connection?.then((transport) => transport.close()).catch(() => {});
    },
  };
}
