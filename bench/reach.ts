import { once } from 'node:events';
import { dialDirectly, type Dial } from '../src/main/cluster/dial';
import { openTunnel } from '../src/main/cluster/proxy/reach/tunnel';
import { createDockerRuntime } from '../src/main/cluster/kubelet/runtime/docker';
import { silentLogger } from '../src/main/cluster/log';
import { distribution, type Figure } from './figures';

const rounds = 5;

/** In ms: until there is a connection and all has come, and how many bytes that were. */
async function fetch(dial: Dial, ip: string, port: number): Promise<{ ms: number; bytes: number }> {
  const from = performance.now();
  const connection = await dial(ip, port, new AbortController().signal);
  let bytes = 0;
  connection.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(connection, 'end');
  const ms = performance.now() - from;
  connection.destroy();
  return { ms, bytes };
}

/**
 * How this machine reaches a pod: over its routes and through the tunnel in a system container, turn and turn about.
 * @param pod answers a connection to `small` with a byte and one to `big` with many
 */
export async function measureReach(
  report: (figure: Figure) => void,
  options: { clusterId: string; router: string; pod: { ip: string; small: number; big: number }; connections: number },
): Promise<void> {
  const { clusterId, router, pod, connections } = options;
  const runtime = createDockerRuntime({ clusterId, log: silentLogger });
  const session = await runtime.run(router, {
    command: ['kube-tunnel'],
    stdin: true,
    stdout: true,
    stderr: false,
    tty: false,
  });
  const tunnel = await openTunnel({
    stdin: session.stdin!,
    stdout: session.stdout!,
    done: session.done.then(() => ''),
    close: () => session.close(),
  });
  const ways: Record<string, Dial> = { direct: dialDirectly, tunnel: (...place) => tunnel.connect(...place) };
  const latency: Record<string, number[]> = { direct: [], tunnel: [] };
  const speed: Record<string, number[]> = { direct: [], tunnel: [] };
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [way, dial] of Object.entries(ways)) {
        for (let count = 0; count < connections; count++) latency[way]!.push((await fetch(dial, pod.ip, pod.small)).ms);
        const { ms, bytes } = await fetch(dial, pod.ip, pod.big);
        speed[way]!.push((bytes / 1024 / 1024 / ms) * 1000);
      }
    }
  } finally {
    tunnel.close();
    runtime.dispose();
  }
  for (const way of Object.keys(ways)) {
    report(distribution(`service.from-host.connection.${way}`, latency[way]!));
    report(distribution(`service.from-host.throughput.${way}`, speed[way]!, 'MiB/s'));
  }
}
