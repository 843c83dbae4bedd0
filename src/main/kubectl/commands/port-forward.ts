import { createServer, type Server, type Socket } from 'node:net';
import type { Pod } from '@shared/k8s';
import type { Command, CommandCall } from '../command';
import { KubectlError, usageError } from '../errors';
import { podsOf, podTarget } from '../pods';
import { fetchTarget } from '../resources';

interface Forward {
  local: number;
  remote: number;
}

function namedPort(pod: Pod, name: string): number {
  const port = pod.spec!.containers.flatMap((container) => container.ports ?? []).find((other) => other.name === name);
  if (!port) throw new KubectlError(`Pod '${pod.metadata.name}' does not have a named port '${name}'`);
  return port.containerPort;
}

/** Reads `8080:80`, `8080`, `:80`, `8080:http`. A service's ports are turned into the pod's. */
function parseForward(text: string, pod: Pod, service: any | undefined): Forward {
  const [first = '', second] = text.split(':');
  const word = second ?? first;
  let remote: number;
  const servicePort = service?.spec?.ports?.find((port: any) => port.name === word || String(port.port) === word);
  if (service && !servicePort)
    throw new KubectlError(`Service ${service.metadata.name} does not have a service port ${word}`);
  const target = servicePort ? (servicePort.targetPort ?? servicePort.port) : word;
  if (/^\d+$/.test(String(target))) remote = Number(target);
  else remote = namedPort(pod, String(target));
  const local = second === undefined ? (servicePort?.port ?? remote) : Number(first || 0);
  if (!Number.isInteger(local) || local > 65535)
    throw new KubectlError(`invalid port specification ${JSON.stringify(text)}`);
  return { local, remote };
}

/** Listens on one address. Connections are in `open` as long as they are. */
async function listen(
  call: CommandCall,
  pod: Pod,
  forward: Forward,
  address: string,
  open: Set<Socket>,
): Promise<Server> {
  const transport = await call.session.transport();
  // A client that has said all it had to say still hears the answer.
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // Until there is something to pass an error on to, it only ends the connection.
    socket.on('error', () => socket.destroy());
    call.out(`Handling connection for ${(server.address() as { port: number }).port}\n`);
    transport.portForward(pod.metadata.namespace!, pod.metadata.name, forward.remote).then(
      (remote) => {
        if (socket.destroyed) return void remote.destroy();
        socket.pipe(remote);
        remote.pipe(socket);
        socket.on('close', () => remote.destroy());
        remote.on('error', (error: Error) => {
          call.err(`error: an error occurred forwarding ${forward.local} -> ${forward.remote}: ${error.message}\n`);
          socket.destroy();
        });
        remote.on('close', () => socket.end());
      },
      (error: Error) => {
        call.err(`error: an error occurred forwarding ${forward.local} -> ${forward.remote}: ${error.message}\n`);
        socket.destroy();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(forward.local, address, resolve);
  });
  const { port } = server.address() as { port: number };
  // The second address of "localhost" gets the same port.
  forward.local = port;
  call.out(`Forwarding from ${address.includes(':') ? `[${address}]` : address}:${port} -> ${forward.remote}\n`);
  return server;
}

async function run(call: CommandCall): Promise<void> {
  const [word, ...ports] = call.args;
  if (!word || ports.length === 0)
    throw usageError('port-forward', 'TYPE/NAME and list of ports are required for port-forward');
  const target = await podTarget(call, word);
  const [pod] = await podsOf(call, target);
  if (!pod) throw new KubectlError(`error: no pods found for ${target.mapping.plural}/${target.name}`);
  if (pod.status?.phase !== 'Running')
    throw new KubectlError(`unable to forward port because pod is not running. Current status=${pod.status?.phase}`);
  const service = target.mapping.kind === 'Service' ? await fetchTarget(call.session, target) : undefined;
  const forwards = ports.map((text) => parseForward(text, pod, service));
  const servers: Server[] = [];
  const open = new Set<Socket>();
  const addresses = call.flags
    .list('address')
    .flatMap((address) => (address === 'localhost' ? ['127.0.0.1', '::1'] : [address]));
  try {
    const failures: Error[] = [];
    for (const forward of forwards) {
      let bound = 0;
      for (const address of addresses) {
        try {
          servers.push(await listen(call, pod, forward, address, open));
          bound++;
        } catch (error) {
          failures.push(error as Error);
        }
      }
      // One of localhost's two addresses is enough: not every machine has IPv6.
      if (bound === 0)
        throw new KubectlError(
          `unable to listen on any of the requested ports: ${failures.map((error) => error.message).join(', ')}`,
        );
    }
    await new Promise<void>((resolve) => {
      if (call.io.signal?.aborted) resolve();
      call.io.signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    for (const server of servers) server.close();
    for (const socket of open) socket.destroy();
  }
}

export const portForward: Command = {
  name: 'port-forward',
  summary: 'Forward one or more local ports to a pod',
  usage: 'TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  examples: [['Port 8080 here is port 80 of a pod of the deployment', 'kubectl port-forward deploy/web 8080:80']],
  flags: [
    { name: 'address', type: 'list', default: 'localhost', help: 'Addresses to listen on.' },
    { name: 'pod-running-timeout', type: 'duration', default: '1m0s', help: 'Accepted.' },
  ],
  run,
};
