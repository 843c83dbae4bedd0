import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, rootCertificates, type TLSSocket } from 'node:tls';
import type { Service } from '@shared/k8s';
import { unlessAborted } from './deadline';
import { nodeOf } from './pods';
import { servicePod, type Reaching } from './proxy';

/** The ways to servers that the API server itself calls: webhooks and aggregated APIs. */

/** A host as sockets want it: an IPv6 address without the brackets it has in a URL. */
export const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** A connection to a port of a host. @throws Error in Go's words for it */
export function dialHost(host: string, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, autoSelectFamily: true }, () => resolve(socket));
    socket.once('error', (error) => reject(new Error(`dial tcp ${host}:${port}: ${reasonOf(error)}`)));
  });
}

/** A connection to a ready pod behind a service, or to the host it is another name of. @throws ApiError 404 | 503 */
export async function dialService(reaching: Reaching, namespace: string, name: string, port: number): Promise<Duplex> {
  const found = reaching.store.get(`/registry/core/services/${namespace}/${name}`)?.value as Service | undefined;
  if (found?.spec?.type === 'ExternalName') return dialHost(found.spec.externalName!, port);
  const reached = servicePod(reaching, namespace, { name, port: String(port) });
  const { metadata } = reached.pod;
  return nodeOf(reaching, reached.pod).portForward(metadata.namespace!, metadata.name, reached.port);
}

export interface Securing {
  /** Whom the certificate must name. */
  servername: string;
  /** PEM in base64; whoever names a bundle trusts nobody else. The system's authorities without it. */
  caBundle?: string;
  /** Takes any certificate. */
  insecure?: boolean;
  /** Who we are, for servers that ask. PEM. */
  client?: { cert: string; key: string };
}

/**
 * TLS over what is dialled. Nothing is left open when it cannot be had, or the signal is faster.
 * @throws Error in Go's words for it, or what the signal says
 */
export async function dialSecured(
  dialled: Promise<Duplex>,
  securing: Securing,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const drop = (late: Duplex) => late.destroy();
  const socket = await unlessAborted(dialled, signal, drop);
  try {
    return await unlessAborted(secured(socket, securing), signal, drop);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function secured(socket: Duplex, { servername, caBundle, insecure, client }: Securing): Promise<TLSSocket> {
  const ca = caBundle ? Buffer.from(caBundle, 'base64').toString() : [...rootCertificates];
  const named = /^[\d.]+$|:/.test(servername) ? { host: servername } : { servername };
  const verified = insecure ? { rejectUnauthorized: false } : { ca };
  // Whatever goes wrong with it is told by the one that is made over it.
  socket.on('error', () => {});
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, ...verified, ...named, ...client }, () => resolve(secure));
    secure.once('error', (error) => {
      const untrusted = /CERT|ISSUER|SIGNATURE|ALTNAME/.test((error as { code?: string }).code ?? '');
      reject(new Error(`tls: ${untrusted ? 'failed to verify certificate: ' : ''}${reasonOf(error).trim()}`));
    });
    // A connection that ends in the middle of the handshake says nothing else.
    secure.once('close', () => reject(new Error('EOF')));
  });
}

const reasonOf = (error: Error & { code?: string }): string =>
  error.code === 'ECONNREFUSED' ? 'connect: connection refused' : error.message || String(error.code);
