import type { TLSSocket } from 'node:tls';
import type { UserInfo } from './types';

const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const publicPaths = /^\/(livez|readyz|healthz|version)(\/|$)/;
const known = new WeakMap<TLSSocket, UserInfo | null>();

/**
 * Who is at the other end: a client certificate of our authority names its user (CN) and groups (O).
 * Without one only health and version are open. Undefined: nobody we know.
 */
export function authenticate(socket: TLSSocket, path: string): UserInfo | undefined {
  let user = known.get(socket);
  if (user === undefined) {
    user = userOfCertificate(socket);
    known.set(socket, user);
  }
  return user ?? (publicPaths.test(path) ? anonymous : undefined);
}

function userOfCertificate(socket: TLSSocket): UserInfo | null {
  if (!socket.authorized) return null;
  const subject: { CN?: string | string[]; O?: string | string[] } | undefined = socket.getPeerCertificate()?.subject;
  const name = [subject?.CN ?? []].flat()[0];
  if (!name) return null;
  return { name, groups: [...[subject?.O ?? []].flat(), 'system:authenticated'] };
}
