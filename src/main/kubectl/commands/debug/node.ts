import type { Node } from '@shared/k8s';
import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import type { Target } from '../../resources';
import { debugContainer, suffix } from './container';

/** Starts a pod on a node that sees the node's own processes, network and files. @throws KubectlError, ApiError */
export async function podOnNode(call: CommandCall, node: Node): Promise<{ target: Target; name: string }> {
  const { flags, session } = call;
  if (!flags.string('image')) throw new KubectlError('you must specify --image when creating a pod on a node.');
  const container = flags.string('container') || 'debugger';
  const namespace = await session.namespace();
  const name = `node-debugger-${node.metadata.name}-${suffix()}`;
  const mapping = (await session.discovery()).resolve('pods');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'kubectl-debug' } },
    spec: {
      nodeName: node.metadata.name,
      restartPolicy: 'Never',
      hostIPC: true,
      hostNetwork: true,
      hostPID: true,
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          ...debugContainer(call, container),
          securityContext: undefined,
          volumeMounts: [{ name: 'host-root', mountPath: '/host' }],
        },
      ],
      volumes: [{ name: 'host-root', hostPath: { path: '/' } }],
    },
  };
  await session.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, body: pod });
  call.out(`Creating debugging pod ${name} with container ${container} on node ${node.metadata.name}.\n`);
  return { target: { mapping, namespace, name }, name: container };
}
