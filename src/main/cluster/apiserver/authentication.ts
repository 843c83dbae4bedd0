import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../clock';
import { unauthorized } from './errors';
import { impersonated } from './impersonation';
import type { Authorizer } from './context';
import type { ServiceAccountTokens } from './tokens/service-account';
import { issuer } from './tokens/service-account';
import type { UserInfo } from './types';

const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const publicPaths = /^\/(livez|readyz|healthz|version)(\/|\?|$)/;

/** Who sent a request. */
export interface Identity {
  /** Whose rights count. */
  user: UserInfo;
  /** Who really asked, when they act as `user`. */
  actor?: UserInfo;
}

/** @throws ApiError 401 for nobody we know, 403 for who may not act as another */
export type Authenticate = (request: IncomingMessage) => Identity;

interface Certificate {
  user: UserInfo;
  /** When the certificate ends, in ms since the epoch. */
  expires: number;
}

/**
 * Finds out who sends a request: a client certificate of our authority names its user (CN) and
 * groups (O); a bearer token is a service account's. Without either only health and version are open.
 */
export function createAuthentication(options: {
  authorize: Authorizer;
  tokens?: ServiceAccountTokens;
  clock: Clock;
}): Authenticate {
  const { authorize, tokens, clock } = options;
  const certificates = new WeakMap<TLSSocket, Certificate | null>();

  const byCertificate = (socket: TLSSocket): UserInfo | undefined => {
    let known = certificates.get(socket);
    if (known === undefined) certificates.set(socket, (known = certificateOf(socket)));
    return known && known.expires > clock.now() ? known.user : undefined;
  };

  return (request) => {
    const token = bearerToken(request.headers);
    let user = byCertificate(request.socket as TLSSocket);
    if (!user && token !== undefined) {
      const verified = tokens?.verify(token);
      if (!verified?.audiences.includes(issuer)) throw unauthorized();
      user = verified.user;
    }
    if (!user && publicPaths.test(request.url ?? '/')) user = anonymous;
    if (!user) throw unauthorized();
    const other = impersonated(request, user, authorize);
    return other ? { user: other, actor: user } : { user };
  };
}

const protocolPrefix = 'base64url.bearer.authorization.k8s.io.';

/** The token of an Authorization header, or among the protocols of a WebSocket, where pages cannot send the header. */
function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  const { authorization, 'sec-websocket-protocol': protocols } = headers;
  if (authorization) return /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (!protocols?.includes(protocolPrefix)) return undefined;
  const protocol = protocols
    .split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(protocolPrefix));
  return protocol && Buffer.from(protocol.slice(protocolPrefix.length), 'base64url').toString();
}

function certificateOf(socket: TLSSocket): Certificate | null {
  if (!socket.authorized) return null;
  const certificate = socket.getPeerCertificate();
  const subject: { CN?: string | string[]; O?: string | string[] } | undefined = certificate?.subject;
  const name = [subject?.CN ?? []].flat()[0];
  if (!name) return null;
  const groups = [...[subject?.O ?? []].flat(), 'system:authenticated'];
  return { user: { name, groups }, expires: Date.parse(certificate.valid_to) };
}
