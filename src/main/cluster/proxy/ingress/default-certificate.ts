import { randomBytes, webcrypto } from 'node:crypto';
import type { KubeObject, Secret } from '@shared/k8s';
import { isAlreadyExists } from '../../client/controller';
import { resources } from '../../client/resources';
import type { KubeClient } from '../../client/types';
import { certificateOf } from './certificates';

const namespace = 'kube-system';
const name = 'ingress-nginx-default-certificate';
const validMs = 3650 * 24 * 60 * 60 * 1000;

/**
 * What https answers with where no Secret was given: a certificate that nobody
 * trusts, kept in a Secret that may be replaced by the user's own.
 * @returns PEM of certificate and key
 */
export async function ensureDefaultCertificate(
  client: KubeClient,
  existing: (namespace: string, name: string) => Secret | undefined,
  now: number,
): Promise<string> {
  const usable = (secret: Secret | undefined): string | undefined => {
    const certificate = secret && certificateOf(secret);
    return certificate && 'pem' in certificate ? certificate.pem : undefined;
  };
  const found = usable(existing(namespace, name));
  if (found) return found;
  const { cert, key } = await selfSigned(now);
  const data = { 'tls.crt': encoded(cert), 'tls.key': encoded(key) };
  const secret = { metadata: { namespace, name }, type: 'kubernetes.io/tls', data } as unknown as KubeObject;
  try {
    await client.create(resources.secrets, secret);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // The cache is behind, or what is there cannot be used.
    const other = usable(await client.get<Secret>(resources.secrets, namespace, name));
    if (other) return other;
  }
  return `${cert}${key}`;
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');

async function selfSigned(now: number): Promise<{ cert: string; key: string }> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as Crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: 'CN=Gantry Ingress Default Certificate,O=Gantry',
    notBefore: new Date(now - 5 * 60_000),
    notAfter: new Date(now + validMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'ingress.local' }]),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as webcrypto.CryptoKey));
  return { cert: `${certificate.toString('pem').trim()}\n`, key: pem('PRIVATE KEY', der) };
}

const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END ${label}-----\n`;
