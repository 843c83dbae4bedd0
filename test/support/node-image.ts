import { imageFiles } from '../../src/main/cluster/proxy/image-files';
import { imageReference } from '../../src/main/cluster/proxy/node-image';
import { createDockerRuntime } from '../../src/main/cluster/kubelet/runtime/docker';
import { pauseProgram } from '../../src/main/cluster/kubelet/runtime/pause-image';
import { silentLogger } from '../../src/main/cluster/log';
import { testCluster } from './docker';

/** Makes sure that the machine's engine has the image of kube-proxy and kube-dns. @returns its name */
export async function ensureNodeImage(): Promise<string> {
  const runtime = createDockerRuntime({ clusterId: testCluster(), log: silentLogger });
  try {
    const { architecture } = await runtime.info();
    const files = [...imageFiles, { name: 'pause', data: pauseProgram(architecture), executable: true }];
    const reference = imageReference(files);
    if (!(await runtime.image(reference))) await runtime.buildImage!(reference, files);
    return reference;
  } finally {
    runtime.dispose();
  }
}
