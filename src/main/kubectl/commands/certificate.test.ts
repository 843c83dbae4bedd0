import { expect, it } from 'vitest';
import { createTestKubectl } from '../testing';

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/** A request as openssl makes it: a P-256 key, CN=jane. */
const pem = `-----BEGIN CERTIFICATE REQUEST-----
MIHKMHECAQAwDzENMAsGA1UEAwwEamFuZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABE5VpdQ3oMa48xz2Vu14WBmOTP9hYee/kJcSvqz3m+zN1MwOX1iFFdqIrtzL
J436yfzZzE2iVB1Y78qTyk4j0t6gADAKBggqhkjOPQQDAgNJADBGAiEAsqj2dIJ0
/62hZUzreyUtUDd6hF9Bvjb3pl0evQYrCGsCIQDhaESNSEp4b0fDfvmI4DpuGk/u
1w4zIdzLoprJ5vrGdg==
-----END CERTIFICATE REQUEST-----
`;

async function withRequests(...names: string[]) {
  const test = await createTestKubectl();
  for (const name of names) {
    const spec = {
      request: Buffer.from(pem).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
    };
    const { status, body } = await test.send('POST', path, { body: { metadata: { name }, spec } });
    expect(status, JSON.stringify(body)).toBe(201);
  }
  const conditions = async (name: string) => (await test.send('GET', `${path}/${name}`)).body.status.conditions;
  return { ...test, conditions };
}

it('approves and denies requests', async () => {
  const { kubectl, conditions } = await withRequests('a', 'b', 'c');
  expect((await kubectl('certificate approve a b')).out).toBe(
    'certificatesigningrequest.certificates.k8s.io/a approved\ncertificatesigningrequest.certificates.k8s.io/b approved\n',
  );
  expect(await conditions('a')).toMatchObject([
    {
      type: 'Approved',
      status: 'True',
      reason: 'KubectlApprove',
      message: 'This CSR was approved by kubectl certificate approve.',
    },
  ]);
  expect((await kubectl('certificate approve a')).code).toBe(0);
  expect(await conditions('a')).toHaveLength(1);
  expect((await kubectl('certificate deny c')).out).toBe('certificatesigningrequest.certificates.k8s.io/c denied\n');
  expect(await conditions('c')).toMatchObject([{ type: 'Denied', reason: 'KubectlDeny' }]);
});

it('says what is wrong', async () => {
  const { kubectl } = await withRequests();
  expect((await kubectl('certificate approve')).err).toBe(
    'error: one or more CSRs must be specified as <name> or -f <filename>\n',
  );
  expect((await kubectl('certificate deny nobody')).err).toBe(
    'Error from server (NotFound): certificatesigningrequests.certificates.k8s.io "nobody" not found\n',
  );
});
