import { randomUUID } from 'node:crypto';
import type { KubeObject } from '@shared/k8s';
import type { Clock } from '../../clock';
import type { Store } from '../../store/types';
import type { UserInfo } from '../types';
import { signJwt, verifyJwt, type Claims } from './jwt';
import type { TokenKey } from './keys';

/** Who issues tokens, and whom they are for unless they say otherwise. */
export const issuer = 'https://kubernetes.default.svc.cluster.local';
const legacyIssuer = 'kubernetes/serviceaccount';
/** Tokens whose signature was found good, remembered so that it is not computed again. */
const mostRemembered = 1000;

/** An object a token ends with. */
export interface BoundObject {
  kind: 'Pod' | 'Secret' | 'Node';
  name: string;
  uid: string;
}

export interface TokenSpec {
  namespace: string;
  name: string;
  uid: string;
  audiences: string[];
  /** In seconds. */
  expirationSeconds: number;
  bound?: BoundObject;
  /** The node of the pod it is bound to. */
  node?: { name: string; uid: string };
}

/** The tokens of service accounts: signed by the cluster, good while what they speak of exists. */
export interface ServiceAccountTokens {
  /** `expires` in ms since the epoch. */
  issue(spec: TokenSpec): { token: string; expires: number };
  /** The token of a kubernetes.io/service-account-token secret: without an end of its own. */
  issueLegacy(account: { namespace: string; name: string; uid: string }, secret: string): string;
  /** The public key, as a JSON Web Key Set. */
  keySet(): { keys: object[] };
  /** Whose token it is and whom it is for; undefined when it is not good (any more). */
  verify(token: string): { user: UserInfo; audiences: string[] } | undefined;
}

interface Known {
  claims: Claims;
  user: UserInfo;
}

/** @param store where accounts and what tokens are bound to are looked up */
export function createServiceAccountTokens(options: {
  store: Store;
  key: TokenKey;
  clock: Clock;
}): ServiceAccountTokens {
  const { store, key, clock } = options;
  const remembered = new Map<string, Known>();
  const seconds = () => Math.floor(clock.now() / 1000);

  /** Whether an object exists and is the very one meant. Without a uid any of that name is. */
  const exists = (plural: string, name: string, uid?: string): KubeObject | undefined => {
    const value = store.get(`/registry/core/${plural}/${name}`)?.value;
    return value && (uid === undefined || value.metadata?.uid === uid) ? value : undefined;
  };

  const isGood = (claims: Claims): boolean => {
    if (claims.iss === legacyIssuer) return isLegacyGood(claims);
    const now = seconds();
    if (typeof claims.exp !== 'number' || claims.exp <= now) return false;
    if (typeof claims.nbf === 'number' && claims.nbf > now + 60) return false;
    const { namespace, serviceaccount, pod, secret, node } = boundOf(claims);
    if (!serviceaccount || !exists('serviceaccounts', `${namespace}/${serviceaccount.name}`, serviceaccount.uid)) {
      return false;
    }
    if (pod && !exists('pods', `${namespace}/${pod.name}`, pod.uid)) return false;
    if (secret && !exists('secrets', `${namespace}/${secret.name}`, secret.uid)) return false;
    return !node || pod !== undefined || exists('nodes', node.name, node.uid) !== undefined;
  };

  const isLegacyGood = (claims: Claims): boolean => {
    const { namespace, name, uid, secret } = legacyOf(claims);
    const found = exists('secrets', `${namespace}/${secret}`);
    return found !== undefined && exists('serviceaccounts', `${namespace}/${name}`, uid) !== undefined;
  };

  return {
    issue({ namespace, name, uid, audiences, expirationSeconds, bound, node }) {
      const now = seconds();
      const exp = now + expirationSeconds;
      const subject = bound && { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } };
      const claims = {
        aud: audiences,
        exp,
        iat: now,
        iss: issuer,
        jti: randomUUID(),
        'kubernetes.io': { namespace, ...(node ? { node } : {}), ...subject, serviceaccount: { name, uid } },
        nbf: now,
        sub: userName(namespace, name),
      };
      return { token: signJwt(claims, key), expires: exp * 1000 };
    },
    issueLegacy({ namespace, name, uid }, secret) {
      const prefix = 'kubernetes.io/serviceaccount';
      return signJwt(
        {
          iss: legacyIssuer,
          [`${prefix}/namespace`]: namespace,
          [`${prefix}/secret.name`]: secret,
          [`${prefix}/service-account.name`]: name,
          [`${prefix}/service-account.uid`]: uid,
          sub: userName(namespace, name),
        },
        key,
      );
    },
    keySet: () => ({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: key.id }] }),
    verify(token) {
      let known = remembered.get(token);
      if (!known) {
        const claims = verifyJwt(token, key);
        const user = claims && userOf(claims);
        if (!claims || !user) return undefined;
        known = { claims, user };
        if (remembered.size >= mostRemembered) remembered.delete(remembered.keys().next().value!);
        remembered.set(token, known);
      }
      if (!isGood(known.claims)) {
        remembered.delete(token);
        return undefined;
      }
      const { aud } = known.claims;
      return { user: known.user, audiences: aud === undefined ? [issuer] : ([aud].flat() as string[]) };
    },
  };
}

interface Named {
  name: string;
  uid: string;
}

const boundOf = (claims: Claims) =>
  (claims['kubernetes.io'] ?? {}) as {
    namespace?: string;
    serviceaccount?: Named;
    pod?: Named;
    secret?: Named;
    node?: Named;
  };

function legacyOf(claims: Claims) {
  const claim = (name: string) => claims[`kubernetes.io/serviceaccount/${name}`] as string;
  return {
    namespace: claim('namespace'),
    name: claim('service-account.name'),
    uid: claim('service-account.uid'),
    secret: claim('secret.name'),
  };
}

const userName = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;

function userOf(claims: Claims): UserInfo | undefined {
  if (claims.iss === legacyIssuer) {
    const { namespace, name, uid } = legacyOf(claims);
    return namespace && name ? account(namespace, name, uid) : undefined;
  }
  const { namespace, serviceaccount, pod, node } = boundOf(claims);
  if (claims.iss !== issuer || !namespace || !serviceaccount) return undefined;
  const prefix = 'authentication.kubernetes.io';
  return account(namespace, serviceaccount.name, serviceaccount.uid, {
    [`${prefix}/credential-id`]: [`JTI=${String(claims.jti)}`],
    ...(node ? { [`${prefix}/node-name`]: [node.name], [`${prefix}/node-uid`]: [node.uid] } : {}),
    ...(pod ? { [`${prefix}/pod-name`]: [pod.name], [`${prefix}/pod-uid`]: [pod.uid] } : {}),
  });
}

const account = (namespace: string, name: string, uid: string, extra?: Record<string, string[]>): UserInfo => ({
  name: userName(namespace, name),
  uid,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  ...(extra ? { extra } : {}),
});
