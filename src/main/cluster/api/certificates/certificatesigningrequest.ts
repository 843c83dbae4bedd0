import { humanDuration } from '@shared/duration';
import type { CertificateSigningRequest, KubeObject } from '@shared/k8s';
import { defineKind, type FieldError } from '../kind';
import { ageColumn, text } from '../printing';
import { keepAllButStatus } from '../strategy';
import { duplicate, invalid, notSupported, required } from '../validation/field';
import { dnsSubdomain } from '../validation/strings';

type Condition = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>[number];

const decisions = ['Approved', 'Denied'];
const shortestSeconds = 600;

const usages = new Set([
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]);

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  nameRule: 'path',
  namespaced: false,
  status: true,
  prepareForCreate(object, { user, userInfo }) {
    // Who asks is written down by the server: the certificate may depend on it.
    object.spec = {
      ...object.spec,
      username: user,
      groups: userInfo?.groups,
      uid: userInfo?.uid,
      extra: userInfo?.extra,
    };
    for (const field of ['groups', 'uid', 'extra'] as const) {
      if (object.spec[field] === undefined) delete object.spec[field];
    }
    object.status = {};
  },
  prepareForUpdate(object, old) {
    object.spec = old.spec;
    if (old.status === undefined) delete object.status;
    else object.status = old.status;
  },
  prepareForStatusUpdate(object, old) {
    keepAllButStatus(object, old);
    // Approval and denial have a subresource of their own.
    const own = (conditionsOf(object) ?? []).filter(({ type }) => !decisions.includes(type));
    const decided = (conditionsOf(old) ?? []).filter(({ type }) => decisions.includes(type));
    setConditions(object, [...decided, ...own]);
  },
  partialUpdates: {
    approval(object, old) {
      const conditions = conditionsOf(object);
      keepAllButStatus(object, old);
      object.status = { ...old.status };
      setConditions(object, conditions ?? []);
    },
  },
  validate: validateRequest,
  validateUpdate(object, old) {
    const lost = decisions.filter((type) => hasCondition(old, type) && !hasCondition(object, type));
    return lost.map((type) => ({
      type: 'Forbidden' as const,
      field: 'status.conditions',
      detail: `updates may not remove a condition of type "${type}"`,
    }));
  },
  columns: [
    ageColumn,
    text('SignerName', 'Who is to sign it', (object) => object.spec?.signerName || '<none>'),
    text('Requestor', 'Who asked', (object) => object.spec?.username ?? ''),
    text('RequestedDuration', 'How long it is to be valid', (object) =>
      object.spec?.expirationSeconds === undefined ? '<none>' : humanDuration(object.spec.expirationSeconds * 1000),
    ),
    text('Condition', 'What became of it', condition),
  ],
  fieldSelectors: { 'spec.signerName': (object) => object.spec?.signerName ?? '' },
});

const conditionsOf = (object: KubeObject): Condition[] | undefined => object.status?.conditions;
const hasCondition = (object: KubeObject, type: string): boolean =>
  (conditionsOf(object) ?? []).some((candidate) => candidate.type === type);

function setConditions(object: KubeObject, conditions: Condition[]): void {
  object.status = { ...object.status, conditions };
  if (conditions.length === 0) delete object.status.conditions;
}

function condition(object: CertificateSigningRequest): string {
  const decision = hasCondition(object, 'Denied')
    ? 'Denied'
    : hasCondition(object, 'Approved')
      ? 'Approved'
      : 'Pending';
  const failed = hasCondition(object, 'Failed') ? ',Failed' : '';
  return `${decision}${failed}${object.status?.certificate ? ',Issued' : ''}`;
}

function validateRequest(object: CertificateSigningRequest): FieldError[] {
  const spec = object.spec ?? ({} as CertificateSigningRequest['spec']);
  const errors: FieldError[] = [];
  const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) {
    errors.push(invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST'));
  }
  if (!spec.usages?.length) errors.push(required('spec.usages'));
  for (const [index, usage] of (spec.usages ?? []).entries()) {
    const path = `spec.usages[${index}]`;
    if (!usages.has(usage)) errors.push(notSupported(path, usage, [...usages]));
    if (spec.usages!.indexOf(usage) !== index) errors.push(duplicate(path, usage));
  }
  errors.push(...validateSigner(spec.signerName));
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < shortestSeconds) {
    errors.push(
      invalid(
        'spec.expirationSeconds',
        seconds,
        `may not specify a duration less than ${shortestSeconds} seconds (10 minutes)`,
      ),
    );
  }
  if (hasCondition(object, 'Approved') && hasCondition(object, 'Denied')) {
    errors.push(invalid('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive'));
  }
  return errors;
}

function validateSigner(name: string | undefined): FieldError[] {
  if (!name) return [required('spec.signerName')];
  const [domain, ...path] = name.split('/');
  const valid = path.length === 1 && dnsSubdomain(domain!).length === 0 && domain!.includes('.') && path[0] !== '';
  return valid
    ? []
    : [
        invalid(
          'spec.signerName',
          name,
          'must be a fully qualified domain and path of the form "example.com/signer-name"',
        ),
      ];
}
