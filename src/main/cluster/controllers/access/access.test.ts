import { afterEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../../test/support/testbed';
import { resources } from '../../client/resources';

let bed: Testbed;
afterEach(() => bed.stop());

const role = (name: string, labels: Record<string, string>, rules: object[] = []) => ({
  metadata: { name, labels },
  rules,
});
const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });

describe('aggregated roles', () => {
  it('hold the rules of the roles they select, in order and each once, through several steps', async () => {
    bed = await startTestbed();
    const { client } = bed;
    const aggregate = (to: string) => ({ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to } }] } });
    await client.create(resources.clusterRoles, { ...role('outer', {}), ...aggregate('outer') });
    await client.create(resources.clusterRoles, { ...role('inner', { to: 'outer' }), ...aggregate('inner') });
    await client.create(resources.clusterRoles, role('b', { to: 'inner' }, [rule('pods'), rule('nodes')]));
    await client.create(resources.clusterRoles, role('a', { to: 'inner' }, [rule('nodes')]));
    await bed.settle();
    const rulesOf = async (name: string) => (await client.get(resources.clusterRoles, undefined, name)).rules;
    expect(await rulesOf('inner')).toEqual([rule('nodes'), rule('pods')]);
    expect(await rulesOf('outer')).toEqual(await rulesOf('inner'));
    await client.delete(resources.clusterRoles, undefined, 'b');
    await bed.settle();
    expect(await rulesOf('outer')).toEqual([rule('nodes')]);
    expect(bed.problems).toEqual([]);
  });
});

describe('secrets of service accounts', () => {
  it('are filled once their account is there, and go with it', async () => {
    const issueLegacyToken = ({ name }: { name: string }, secret: string) => `${name}/${secret}`;
    bed = await startTestbed({ rootCA: 'CA', issueLegacyToken });
    const { client } = bed;
    await client.create(resources.namespaces, { metadata: { name: 'default' } }).catch(() => {});
    const account = await client.create(resources.serviceAccounts, {
      metadata: { name: 'robot', namespace: 'default' },
    });
    await client.create(resources.secrets, {
      metadata: { name: 's', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
      type: 'kubernetes.io/service-account-token',
    });
    await bed.settle();
    const secret = await client.get(resources.secrets, 'default', 's');
    const text = Object.entries(secret.data!).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]);
    expect(Object.fromEntries(text)).toEqual({ token: 'robot/s', 'ca.crt': 'CA', namespace: 'default' });
    expect(secret.metadata.annotations!['kubernetes.io/service-account.uid']).toBe(account.metadata!.uid);
    await client.delete(resources.serviceAccounts, 'default', 'robot');
    await bed.settle();
    await expect(client.get(resources.secrets, 'default', 's')).rejects.toMatchObject({ code: 404 });
    expect(bed.problems).toEqual([]);
  });
});

describe('certificate requests', () => {
  const request = Buffer.from(
    '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n',
  ).toString('base64');
  const csr = (name: string, usages = ['client auth'], signerName = 'kubernetes.io/kube-apiserver-client') => ({
    metadata: { name },
    spec: { request, signerName, usages },
  });
  const decide = async (name: string, type: string) => {
    const found = await bed.client.get(resources.certificateSigningRequests, undefined, name);
    const conditions = [{ type, status: 'True', reason: 'Test', lastUpdateTime: '2026-01-01T00:00:00Z' }];
    await bed.client.transport.request({
      method: 'PUT',
      path: `/apis/certificates.k8s.io/v1/certificatesigningrequests/${name}/approval`,
      body: { ...found, status: { conditions } },
    });
    await bed.settle();
    return (await bed.client.get(resources.certificateSigningRequests, undefined, name)).status;
  };

  it('are signed when they are approved, and only for what the signer is for', async () => {
    const signed: object[] = [];
    bed = await startTestbed({
      signCertificate: async (asked) => {
        signed.push(asked);
        return 'PEM';
      },
    });
    for (const object of [
      csr('good'),
      csr('denied'),
      csr('serving', ['server auth', 'client auth']),
      csr('foreign', ['client auth'], 'example.com/own'),
    ]) {
      await bed.client.create(resources.certificateSigningRequests, object);
    }
    await bed.settle();
    expect(signed).toEqual([]);
    expect(await decide('good', 'Approved')).toMatchObject({ certificate: Buffer.from('PEM').toString('base64') });
    expect((await decide('denied', 'Denied'))!.certificate).toBeUndefined();
    expect((await decide('foreign', 'Approved'))!.certificate).toBeUndefined();
    const failed = await decide('serving', 'Approved');
    expect(failed!.certificate).toBeUndefined();
    expect(failed!.conditions!.map(({ type, message }) => [type, message])).toContainEqual([
      'Failed',
      'invalid usage for client certificate: server auth',
    ]);
    expect(signed).toHaveLength(1);
    await bed.advance(3_700_000);
    const { items } = await bed.client.list(resources.certificateSigningRequests);
    expect(items.map(({ metadata }) => metadata!.name)).toEqual([]);
    expect(bed.problems).toEqual([]);
  });
});
