import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { KubeObject, Pod } from '@shared/k8s';
import { KubectlError } from './errors';

function namedPort(pod: Pod, name: string): number {
  const port = pod.spec!.containers.flatMap((container) => container.ports ?? []).find((other) => other.name === name);
  if (!port) throw new KubectlError(`Pod '${pod.metadata.name}' does not have a named port '${name}'`);
  return port.containerPort;
}

/**
 * The pod's port that a word means: a number or the name of a port, of the pod or else of the service.
 * @returns with the service's own number, where there is one @throws KubectlError when there is no such port
 */
export function remotePort(word: string, pod: Pod, service?: KubeObject): { remote: number; servicePort?: number } {
  const ports = (service?.spec?.ports ?? []) as { name?: string; port: number; targetPort?: number | string }[];
  const servicePort = ports.find((port) => port.name === word || String(port.port) === word);
  if (service && !servicePort)
    throw new KubectlError(`Service ${service.metadata!.name} does not have a service port ${word}`);
  const target = String(servicePort ? (servicePort.targetPort ?? servicePort.port) : word);
  const remote = /^\d+$/.test(target) ? Number(target) : namedPort(pod, target);
  return { remote, ...(servicePort ? { servicePort: servicePort.port } : {}) };
}

export interface Forwarding {
  /** Where it listens. */
  port: number;
  /** Ends what is under way, too. */
  close(): void;
}

/**
 * Passes the connections to a local port on.
 * @param options.port 0 for any free one
 * @throws the system's error when it cannot listen there
 */
export async function forwardPort(options: {
  address: string;
  port: number;
  /** Called for each connection. */
  dial(): Promise<Duplex>;
  onConnection?(port: number): void;
  /** One connection could not be passed on, or broke. */
  onFailure(error: Error): void;
}): Promise<Forwarding> {
  const open = new Set<Socket>();
  // A client that has said all it had to say still hears the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // Until there is something to pass an error on to, it only ends the connection.
    socket.on('error', () => socket.destroy());
    options.onConnection?.(port);
    const failed = (error: Error): void => {
      options.onFailure(error);
      socket.destroy();
    };
    options.dial().then((remote) => {
      if (socket.destroyed) return void remote.destroy();
      socket.pipe(remote);
      remote.pipe(socket);
      socket.on('close', () => remote.destroy());
      remote.on('error', failed);
      remote.on('close', () => socket.end());
    }, failed);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, resolve);
  });
  const { port } = server.address() as { port: number };
  return {
    port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
