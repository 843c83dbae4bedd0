import { validateHeaderValue, type OutgoingHttpHeaders } from 'node:http';
import { internalError } from '../errors';
import type { UserInfo } from '../types';

/** What the ConfigMap extension-apiserver-authentication says of these headers. */
export const identityHeaderNames = {
  user: 'X-Remote-User',
  uid: 'X-Remote-Uid',
  group: 'X-Remote-Group',
  extraPrefix: 'X-Remote-Extra-',
};

/**
 * Whether a header of a client could be taken for one of ours: some servers do not
 * tell `_` from `-`. Whom a client wants to be has been settled by then, too.
 */
export const speaksOfIdentity = (header: string): boolean => /^(x[-_]remote[-_]|impersonate[-_])/i.test(header);

/**
 * Who asks, for a server behind the API. Names travel as UTF-8.
 * @throws ApiError 500 for a name that no header can carry
 */
export function identityHeaders({ name, uid, groups, extra = {} }: UserInfo): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { [identityHeaderNames.user]: encoded(name) };
  if (uid) headers[identityHeaderNames.uid] = encoded(uid);
  if (groups.length > 0) headers[identityHeaderNames.group] = groups.map(encoded);
  for (const [key, values] of Object.entries(extra)) {
    if (values.length > 0) headers[identityHeaderNames.extraPrefix + escapedKey(key)] = values.map(encoded);
  }
  return headers;
}

function encoded(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  try {
    validateHeaderValue(identityHeaderNames.user, bytes);
  } catch {
    throw internalError(new Error(`the name ${JSON.stringify(text)} cannot be told to an aggregated API`));
  }
  return bytes;
}

/** Keys may have what header names may not (`example.com/scopes`): that is escaped as in a URL. */
const escapedKey = (key: string): string =>
  [...Buffer.from(key, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
