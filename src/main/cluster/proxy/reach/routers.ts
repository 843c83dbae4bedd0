import type { Pod } from '@shared/k8s';
import { resources } from '../../client/resources';
import type { InformerFactory, KubeClient } from '../../client/types';
import { isRouter, runningRouter } from '../rules';
import type { Router } from './index';
import type { TunnelSession } from './tunnel';

/** The running system containers, that of the node first. */
export function routersOf(informers: InformerFactory, node: string): Router[] {
  const pods = informers.informer<Pod>(resources.pods).list('kube-system').filter(isRouter);
  return pods
    .toSorted((a, b) => Number(b.spec?.nodeName === node) - Number(a.spec?.nodeName === node))
    .flatMap((pod) => {
      const id = runningRouter(pod);
      return id && pod.status?.podIP ? [{ id, pod: pod.metadata.name, address: pod.status.podIP }] : [];
    });
}

/** Starts kube-tunnel in a system container. */
export async function runTunnel(client: KubeClient, router: Router): Promise<TunnelSession> {
  const session = await client.transport.exec({
    namespace: 'kube-system',
    pod: router.pod,
    container: 'kube-proxy',
    command: ['kube-tunnel'],
    stdin: true,
    stdout: true,
    stderr: true,
  });
  let complaint = '';
  session
    .stderr!.on('error', () => {})
    .on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-500)));
  return {
    stdin: session.stdin!,
    stdout: session.stdout!,
    done: session.done.then(
      ({ exitCode, error }) => error ?? (complaint.trim() || `kube-tunnel ended with ${exitCode}`),
    ),
    close: () => session.close(),
  };
}
