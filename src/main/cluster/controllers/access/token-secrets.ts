import type { Secret } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import { keyOf, resources, splitKey } from '../../client/resources';
import { WorkQueue } from '../../client/workqueue';
import type { ControllerContext, ControlLoop } from '../framework';

const type = 'kubernetes.io/service-account-token';
const nameKey = 'kubernetes.io/service-account.name';
const uidKey = 'kubernetes.io/service-account.uid';

/** Fills secrets of type kubernetes.io/service-account-token, and removes them with their account. */
export function createTokenSecretController(context: ControllerContext): ControlLoop {
  const { client, clock, informers, options } = context;
  const queue = new WorkQueue(clock);
  const secrets = informers.informer(resources.secrets);
  const accounts = informers.informer(resources.serviceAccounts);
  const accountOf = ({ metadata }: Secret) => `${metadata.namespace}/${metadata.annotations?.[nameKey]}`;
  secrets.addIndex('account', (secret) => (secret.type === type ? [accountOf(secret)] : []));

  const enqueue = (secret: Secret) => secret.type === type && queue.add(keyOf(secret));
  secrets.on({ add: enqueue, update: enqueue });
  const enqueueOf = (account: { metadata: { namespace?: string; name?: string } }) => {
    for (const secret of secrets.byIndex('account', keyOf(account))) queue.add(keyOf(secret));
  };
  accounts.on({ add: enqueueOf, delete: enqueueOf });

  return {
    name: 'serviceaccount-token',
    queue,
    reconciler: {
      async reconcile(key) {
        const { namespace, name } = splitKey(key);
        const secret = secrets.get(namespace, name);
        if (secret?.type !== type || secret.metadata.deletionTimestamp || !options.issueLegacyToken) return;
        const accountName = secret.metadata.annotations?.[nameKey] ?? '';
        const account = accounts.get(namespace, accountName);
        const { annotations } = secret.metadata;
        if (!account || (annotations?.[uidKey] && annotations[uidKey] !== account.metadata.uid)) {
          // The cache of accounts may be behind: only an account that is really gone takes its secret along.
          const stored = await client.get(resources.serviceAccounts, namespace, accountName).catch((error: unknown) => {
            if (isNotFound(error)) return undefined;
            throw error;
          });
          if (stored && stored.metadata.uid === (annotations?.[uidKey] ?? stored.metadata.uid)) {
            return { requeueAfterMs: 1000 };
          }
          if (!stored || annotations?.[uidKey]) {
            const preconditions = { uid: secret.metadata.uid! };
            await client.delete(resources.secrets, namespace, name, { preconditions });
          }
          return;
        }
        const uid = account.metadata.uid!;
        const encode = (text: string) => Buffer.from(text).toString('base64');
        const ca = encode(options.rootCA ?? '');
        const { data = {} } = secret;
        if (
          data.token &&
          data['ca.crt'] === ca &&
          data.namespace === encode(namespace!) &&
          annotations?.[uidKey] === uid
        ) {
          return;
        }
        const token =
          data.token ?? encode(options.issueLegacyToken({ namespace: namespace!, name: accountName, uid }, name));
        await client.update(resources.secrets, {
          ...secret,
          metadata: { ...secret.metadata, annotations: { ...annotations, [uidKey]: uid } },
          data: { ...data, 'ca.crt': ca, namespace: encode(namespace!), token },
        });
      },
    },
  };
}
