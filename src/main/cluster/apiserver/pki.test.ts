import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../clock';
import { subjectFault } from './certificate-access';
import { loadOrCreatePki, requestSubject, type Pki } from './pki';

let directory: string;
let pki: Pki;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-pki-'));
  pki = await loadOrCreatePki(directory, { clock: systemClock });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function requestOf(name: string): Promise<string> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as Crypto);
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  return (await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm })).toString('pem');
}

const usages = ['client auth', 'digital signature'];
const check = () => undefined;

describe('a certificate request', () => {
  test('is signed for its subject, its usages and its time', async () => {
    const pem = await requestOf('CN=jane, O=dev, O=ops');
    expect(await requestSubject(Buffer.from(pem).toString('base64'))).toEqual({ name: 'jane', groups: ['dev', 'ops'] });
    const cert = new X509Certificate(await pki.signRequest({ pem, usages, seconds: 3600, check }));
    expect(cert.subject).toBe('CN=jane\nO=dev\nO=ops');
    expect(cert.checkIssued(new X509Certificate(pki.caPem))).toBe(true);
    expect(cert.verify(new X509Certificate(pki.caPem).publicKey)).toBe(true);
    expect(cert.ca).toBe(false);
    expect(cert.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(Math.abs(Date.parse(cert.validTo) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });

  test('is good for a year at most', async () => {
    const pem = await requestOf('CN=jane');
    const cert = new X509Certificate(await pki.signRequest({ pem, usages, seconds: 4_000_000_000, check }));
    expect(Date.parse(cert.validTo) - Date.now()).toBeLessThan(366 * 86_400_000);
  });

  test('that is damaged or names whom it may not is not signed', async () => {
    const pem = await requestOf('CN=jane, O=system:masters');
    await expect(pki.signRequest({ pem: 'nonsense', usages, check })).rejects.toThrow();
    const masters = (subject: { name: string; groups: string[] }) =>
      subjectFault('kubernetes.io/kube-apiserver-client', subject);
    await expect(pki.signRequest({ pem, usages, check: masters })).rejects.toThrow(
      'system:masters group is not allowed',
    );
  });
});

test.each([
  ['kubernetes.io/kube-apiserver-client', 'jane', ['dev'], true],
  ['kubernetes.io/kube-apiserver-client', 'jane', ['dev', 'system:masters'], false],
  ['kubernetes.io/kube-apiserver-client-kubelet', 'system:node:a', ['system:nodes'], true],
  ['kubernetes.io/kube-apiserver-client-kubelet', 'system:node:a', ['system:nodes', 'system:masters'], false],
  ['kubernetes.io/kube-apiserver-client-kubelet', 'jane', ['system:nodes'], false],
  ['kubernetes.io/kubelet-serving', 'system:node:a', [], false],
])('%s may name %s of %j: %s', (signer, name, groups, good) => {
  expect(subjectFault(signer, { name, groups }) === undefined).toBe(good);
});
