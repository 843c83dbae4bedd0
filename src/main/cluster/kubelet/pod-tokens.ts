import type { KubeObject, Pod } from '@shared/k8s';
import { resources } from '../client/resources';
import type { KubeClient } from '../client/types';
import type { Clock } from '../clock';
import type { PodToken, TokenProjection } from './objects';

/** A token is replaced when this part of its life is over, and never kept longer than a day. */
const renewAfter = 0.8;
const longestMs = 24 * 3_600_000;
/** From this many on, tokens that are over are looked for when one is added. */
const sweepFrom = 200;

/** Tokens of pods' accounts, asked for at the API and bound to their pod. */
export function createPodTokens(
  client: KubeClient,
  clock: Clock,
): (pod: Pod, wanted: TokenProjection) => Promise<PodToken> {
  const kept = new Map<string, PodToken>();
  return async (pod, { audience, expirationSeconds = 3600 }) => {
    const { name, namespace, uid } = pod.metadata;
    const key = `${uid} ${expirationSeconds} ${audience ?? ''}`;
    const known = kept.get(key);
    const now = clock.now();
    if (known && known.renewAt > now) return known;
    if (kept.size >= sweepFrom) for (const [other, { renewAt }] of kept) if (renewAt <= now) kept.delete(other);
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...(audience ? { audiences: [audience] } : {}),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const account = pod.spec!.serviceAccountName || 'default';
    const answer = await client.createSubresource<KubeObject>(
      resources.serviceAccounts,
      namespace,
      account,
      'token',
      request,
    );
    const { token, expirationTimestamp } = answer.status as { token: string; expirationTimestamp: string };
    const lives = Math.min((Date.parse(expirationTimestamp) - now) * renewAfter, longestMs);
    const made = { text: token, renewAt: now + lives };
    kept.set(key, made);
    return made;
  };
}
