import { X509Certificate as NodeCertificate, createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Extension, JsonName, Name, PublicKeyType, X509Certificate } from '@peculiar/x509';
import type { Clock } from '../clock';
import { writeFileAtomically } from './files';

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** Whom servers behind the API believe when it says who is asking: an authority of its own, and the API server's certificate. */
export interface FrontProxy {
  caPem: string;
  /** CN=front-proxy-client. */
  client: KeyPair;
}

/** What the server needs to be known and to know its clients by. */
export interface Pki {
  /** The authority's certificate, PEM. */
  caPem: string;
  serving: KeyPair;
  /** CN=kubernetes-admin, O=system:masters. */
  admin: KeyPair;
  /** A client certificate of this authority. `days` is how long it is good for (365 unless told). */
  issueClient(user: string, groups: string[], days?: number): Promise<KeyPair>;
  /**
   * Signs a certificate request: its subject and key, for what the usages say.
   * @throws Error when the request is damaged or `check` finds fault with its subject
   */
  signRequest(request: SigningRequest): Promise<string>;
  /** Made, and kept like the rest, when it is first asked for. */
  frontProxy(): Promise<FrontProxy>;
}

/** A certificate request and what the certificate is to be good for. */
export interface SigningRequest {
  /** PKCS#10, PEM. */
  pem: string;
  /** As in certificates.k8s.io: `client auth`, `server auth`, `digital signature`, `key encipherment`. */
  usages: readonly string[];
  /** How long it is to be valid; a year at most, and a year unless told. */
  seconds?: number;
  /** Faults of the subject: CN and O. */
  check(subject: { name: string; groups: string[] }): string | undefined;
}

/** Who a certificate request names: CN and O. @param request PEM in base64. @throws Error when it is damaged */
export async function requestSubject(request: string): Promise<{ name: string; groups: string[] }> {
  const x509 = await load();
  const { subjectName } = new x509.Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString());
  return subjectOf(subjectName);
}

function subjectOf(subjectName: Name): { name: string; groups: string[] } {
  return { name: subjectName.getField('CN')[0] ?? '', groups: subjectName.getField('O') };
}

const daySeconds = 24 * 60 * 60;
const dayMs = daySeconds * 1000;
const authorityDays = 3650;
const leafDays = 365;
/** Certificates are renewed when less than this is left of them. */
const renewDays = 30;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** What the API server is called where it speaks for others. */
export const frontProxyClient = 'front-proxy-client';

/** What the server is called inside the cluster and on this machine. */
const servingNames = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];
const servingAddresses = ['127.0.0.1', '::1', '10.96.0.1'];

interface Subject {
  CN: string;
  O?: string[];
}

/**
 * The authority, the serving and the admin certificate kept in `directory` (keys 0600);
 * what is missing, broken or near its end is made anew. Existing ones cost only a read.
 * `hosts` are further names or addresses the server is reached by.
 */
export async function loadOrCreatePki(
  directory: string,
  { clock, hosts = [] }: { clock: Clock; hosts?: string[] },
): Promise<Pki> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const keeper = new Keeper(directory, clock);
  const ca = await keeper.pair('ca', authorityDays / 10, () => keeper.authority('gantry-ca'));
  const addresses = [...servingAddresses, ...hosts.filter(isAddress)];
  const names = [...servingNames, ...hosts.filter((host) => !isAddress(host))];
  const [serving, admin] = await Promise.all([
    keeper.pair(
      'apiserver',
      renewDays,
      () => keeper.serving(ca, names, addresses),
      (cert) =>
        cert.checkIssued(new NodeCertificate(ca.cert)) && [...names, ...addresses].every((host) => covers(cert, host)),
    ),
    keeper.pair(
      'admin',
      renewDays,
      () => keeper.client(ca, { CN: 'kubernetes-admin', O: ['system:masters'] }, leafDays),
      (cert) => cert.checkIssued(new NodeCertificate(ca.cert)),
    ),
  ]);
  const makeFrontProxy = async (): Promise<FrontProxy> => {
    const authority = await keeper.pair('front-proxy-ca', authorityDays / 10, () =>
      keeper.authority('gantry-front-proxy-ca'),
    );
    const client = await keeper.pair(
      frontProxyClient,
      renewDays,
      () => keeper.client(authority, { CN: frontProxyClient }, leafDays),
      (cert) => cert.checkIssued(new NodeCertificate(authority.cert)),
    );
    return { caPem: authority.cert, client };
  };
  let frontProxy: Promise<FrontProxy> | undefined;
  return {
    caPem: ca.cert,
    serving,
    admin,
    issueClient: (user, groups, days = leafDays) => keeper.client(ca, { CN: user, O: groups }, days),
    signRequest: (request) => keeper.sign(ca, request),
    frontProxy: () => (frontProxy ??= makeFrontProxy()),
  };
}

const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.includes(':');
const covers = (cert: NodeCertificate, host: string) =>
  (isAddress(host) ? cert.checkIP(host) : cert.checkHost(host)) !== undefined;

/** Makes certificates and keeps them in files. The library for it is loaded only when something is made. */
class Keeper {
  constructor(
    private readonly directory: string,
    private readonly clock: Clock,
  ) {}

  /** The kept pair, or a new one when there is none that is usable for `leastDays` more. */
  async pair(
    name: string,
    leastDays: number,
    make: () => Promise<KeyPair>,
    usable: (cert: NodeCertificate) => boolean = () => true,
  ): Promise<KeyPair> {
    const certFile = join(this.directory, `${name}.crt`);
    const keyFile = join(this.directory, `${name}.key`);
    try {
      const kept = { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
      const cert = new NodeCertificate(kept.cert);
      const enough = Date.parse(cert.validTo) - this.clock.now() > leastDays * dayMs;
      if (
        enough &&
        Date.parse(cert.validFrom) <= this.clock.now() &&
        cert.checkPrivateKey(createPrivateKey(kept.key)) &&
        usable(cert)
      ) {
        await chmod(keyFile, 0o600);
        return kept;
      }
    } catch {
      // Missing or unreadable: made anew below.
    }
    const made = await make();
    await writeFileAtomically(keyFile, made.key, 0o600);
    await writeFileAtomically(certFile, made.cert, 0o644);
    return made;
  }

  async authority(commonName: string): Promise<KeyPair> {
    const x509 = await load();
    const keys = await newKeys();
    const name = [{ CN: [commonName] }];
    const cert = await x509.X509CertificateGenerator.create({
      ...this.frame(authorityDays),
      subject: name,
      issuer: name,
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return exported(cert, keys);
  }

  async serving(ca: KeyPair, names: string[], addresses: string[]): Promise<KeyPair> {
    const x509 = await load();
    return this.leaf(ca, { CN: 'kube-apiserver' }, leafDays, [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: 'dns' as const, value })),
        ...addresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
    ]);
  }

  async client(ca: KeyPair, subject: Subject, days: number): Promise<KeyPair> {
    const x509 = await load();
    return this.leaf(ca, subject, days, [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])]);
  }

  async sign(ca: KeyPair, { pem, usages, check, seconds = leafDays * daySeconds }: SigningRequest): Promise<string> {
    const x509 = await load();
    const request = new x509.Pkcs10CertificateRequest(pem);
    const fault = check(subjectOf(request.subjectName));
    if (fault) throw new Error(fault);
    if (!(await request.verify())) throw new Error('the signature of the certificate request is wrong');
    const purposes = [
      ...(usages.includes('client auth') ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ...(usages.includes('server auth') ? [x509.ExtendedKeyUsage.serverAuth] : []),
    ];
    const uses =
      (usages.includes('digital signature') ? x509.KeyUsageFlags.digitalSignature : 0) |
      (usages.includes('key encipherment') ? x509.KeyUsageFlags.keyEncipherment : 0);
    const cert = await this.signed(
      ca,
      Math.min(seconds / daySeconds, leafDays),
      request.subjectName.toJSON(),
      request.publicKey,
      [
        ...(uses ? [new x509.KeyUsagesExtension(uses, true)] : []),
        ...(purposes.length > 0 ? [new x509.ExtendedKeyUsageExtension(purposes)] : []),
      ],
    );
    return pemText(cert);
  }

  private async leaf(ca: KeyPair, subject: Subject, days: number, extensions: Extension[]): Promise<KeyPair> {
    const x509 = await load();
    const keys = await newKeys();
    const name = [{ CN: [subject.CN] }, ...(subject.O ?? []).map((group) => ({ O: [group] }))];
    const cert = await this.signed(ca, days, name, keys.publicKey, [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...extensions,
    ]);
    return exported(cert, keys);
  }

  private async signed(
    ca: KeyPair,
    days: number,
    subject: JsonName,
    publicKey: PublicKeyType,
    extensions: Extension[],
  ): Promise<X509Certificate> {
    const x509 = await load();
    const issuer = new x509.X509Certificate(ca.cert);
    const der = createPrivateKey(ca.key).export({ type: 'pkcs8', format: 'der' });
    const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
    return x509.X509CertificateGenerator.create({
      ...this.frame(days),
      subject,
      issuer: issuer.subjectName.toJSON(),
      publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        await x509.AuthorityKeyIdentifierExtension.create(issuer),
        ...extensions,
      ],
    });
  }

  private frame(days: number) {
    const now = this.clock.now();
    return {
      serialNumber: randomBytes(16)
        .toString('hex')
        .replace(/^[89a-f]/, '1'),
      // Machines disagree about the minute.
      notBefore: new Date(now - 5 * 60_000),
      notAfter: new Date(now + days * dayMs),
      signingAlgorithm: algorithm,
    };
  }
}

async function load() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as Crypto);
  return x509;
}

async function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

async function exported(cert: X509Certificate, keys: CryptoKeyPair): Promise<KeyPair> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as webcrypto.CryptoKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { cert: pemText(cert), key: key.toString() };
}

const pemText = (cert: X509Certificate): string => `${cert.toString('pem').trim()}\n`;
