import type { KubeObject, Pod } from '@shared/k8s';
import type { Command, CommandCall } from '../command';
import { KubectlError, usageError } from '../errors';
import { forwardPort, remotePort, type Forwarding } from '../forward';
import { podsOf, podTarget } from '../pods';
import { fetchTarget } from '../resources';

interface Forward {
  local: number;
  remote: number;
}

/** Reads `8080:80`, `8080`, `:80`, `8080:http`. A service's ports are turned into the pod's. */
function parseForward(text: string, pod: Pod, service: KubeObject | undefined): Forward {
  const [first = '', second] = text.split(':');
  const { remote, servicePort } = remotePort(second ?? first, pod, service);
  const local = second === undefined ? (servicePort ?? remote) : Number(first || 0);
  if (!Number.isInteger(local) || local > 65535)
    throw new KubectlError(`invalid port specification ${JSON.stringify(text)}`);
  return { local, remote };
}

/** Listens on one address. */
async function listen(call: CommandCall, pod: Pod, forward: Forward, address: string): Promise<Forwarding> {
  const transport = await call.session.transport();
  const forwarding = await forwardPort({
    address,
    port: forward.local,
    dial: () => transport.portForward(pod.metadata.namespace!, pod.metadata.name, forward.remote),
    onConnection: (port) => call.out(`Handling connection for ${port}\n`),
    onFailure: ({ message }) =>
      call.err(`error: an error occurred forwarding ${forward.local} -> ${forward.remote}: ${message}\n`),
  });
  // The second address of "localhost" gets the same port.
  forward.local = forwarding.port;
  call.out(
    `Forwarding from ${address.includes(':') ? `[${address}]` : address}:${forwarding.port} -> ${forward.remote}\n`,
  );
  return forwarding;
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
  const listeners: Forwarding[] = [];
  const addresses = call.flags
    .list('address')
    .flatMap((address) => (address === 'localhost' ? ['127.0.0.1', '::1'] : [address]));
  try {
    const failures: Error[] = [];
    for (const forward of forwards) {
      let bound = 0;
      for (const address of addresses) {
        try {
          listeners.push(await listen(call, pod, forward, address));
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
    for (const listener of listeners) listener.close();
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
