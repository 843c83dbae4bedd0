import type { ClaimUsage } from '@shared/bridge/contract';
import type { KubeList, Pod } from '@shared/k8s';
import { claimNamesOf } from '@shared/pod-claims';
import type { KubeTransport } from '../cluster/client/transport';
import type { Methods } from './types';

/** The part of a kubelet's /stats/summary that tells of volumes. */
interface Summary {
  pods?: {
    volume?: {
      pvcRef?: { name: string; namespace: string };
      usedBytes?: number;
      capacityBytes?: number;
    }[];
  }[];
}

/** How full claims are: their nodes tell, for as long as a pod runs with them. */
export function storageMethods({ transportFor }: { transportFor: (cluster: string) => KubeTransport }) {
  return {
    async 'claim.usage'({ cluster, namespace, name }, { signal }): Promise<ClaimUsage | null> {
      const transport = transportFor(cluster);
      const get = async <T>(path: string) => (await transport.request<T>({ method: 'GET', path, signal })).body;
      const { items } = await get<KubeList<Pod>>(`/api/v1/namespaces/${namespace}/pods`);
      const user = items.find(
        (pod) => pod.status?.phase === 'Running' && pod.spec?.nodeName && claimNamesOf(pod).includes(name),
      );
      if (!user) return null;
      const answer = await get<Summary | string>(`/api/v1/nodes/${user.spec!.nodeName}/proxy/stats/summary`);
      const summary = typeof answer === 'string' ? (JSON.parse(answer) as Summary) : answer;
      const found = (summary.pods ?? [])
        .flatMap(({ volume }) => volume ?? [])
        .find(({ pvcRef }) => pvcRef?.name === name && pvcRef.namespace === namespace);
      if (found?.usedBytes === undefined) return null;
      return { usedBytes: found.usedBytes, ...(found.capacityBytes ? { capacityBytes: found.capacityBytes } : {}) };
    },
  } satisfies Partial<Methods>;
}
