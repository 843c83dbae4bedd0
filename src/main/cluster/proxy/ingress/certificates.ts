import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { Secret } from '@shared/k8s';

/** A certificate that nginx can use, or why there is none. */
export type Certificate = { name: string; pem: string; covers(host: string): boolean } | { fault: string };

/** The certificates and key of a Secret of type kubernetes.io/tls, written anew from what they mean. Pure. */
export function certificateOf(secret: Secret): Certificate {
  const text = (key: string): string =>
    Buffer.from(secret.data?.[key] ?? '', 'base64')
      .toString()
      .trim();
  const [chain, key] = [text('tls.crt'), text('tls.key')];
  if (!chain || !key) return { fault: 'it must hold tls.crt and tls.key' };
  let certificates: X509Certificate[];
  try {
    const blocks = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [chain];
    certificates = blocks.map((block) => new X509Certificate(block));
  } catch {
    return { fault: 'tls.crt is no certificate' };
  }
  const certificate = certificates[0]!;
  let pem = certificates.map(String).join('');
  try {
    const privateKey = createPrivateKey(key);
    if (!certificate.checkPrivateKey(privateKey)) return { fault: 'tls.key is not the key of tls.crt' };
    pem += privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    return { fault: 'tls.key is no private key that can be used' };
  }
  return {
    name: createHash('sha256').update(pem).digest('hex').slice(0, 24),
    pem,
    // A wildcard is covered by the same wildcard.
    covers: (host) => host === '' || certificate.checkHost(host.replace(/^\*\./, 'wildcard.')) !== undefined,
  };
}
