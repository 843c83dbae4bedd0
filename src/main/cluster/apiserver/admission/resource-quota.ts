import type { KubeObject, Pod, ResourceQuota } from '@shared/k8s';
import { formatAmount, inScope, usageOf, type Amounts, type Counted } from '../../api/quota';
import type { Store } from '../../store/types';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission';
import { jsonEqual } from '../../json';
import { isAbout, refusal } from './attributes';
import { QuotaAccount } from './quota-account';
import { Watched } from './watched';

/** What each container must say where a quota limits it. */
const perContainer = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

/**
 * Refuses what would exceed a quota of the namespace. What is let in is reserved until it is stored or has failed,
 * so that requests at the same time cannot share the last place.
 */
export function resourceQuota(store: Store): AdmissionPlugin {
  const quotas = new Watched<ResourceQuota>(store, '/registry/core/resourcequotas/');
  const accounts = new Map<string, QuotaAccount>();
  const keyOf = ({ metadata }: ResourceQuota) => `${metadata.namespace}/${metadata.name}`;
  let seen = quotas.generation;

  /** Lets go of the accounts of quotas that are gone or say something else. */
  const sweep = () => {
    for (const [key, account] of accounts) {
      const current = quotas.in(account.quota.metadata.namespace).find((quota) => keyOf(quota) === key);
      if (jsonEqual(current?.spec, account.quota.spec)) continue;
      account.close();
      accounts.delete(key);
      if (current) accounts.set(key, open(current, account.reserved));
    }
    seen = quotas.generation;
  };
  const open = (quota: ResourceQuota, reserved = new Map<string, Amounts>()) =>
    new QuotaAccount(
      store,
      quota,
      reserved,
      ({ group, plural }, namespace) => `/registry/${group || 'core'}/${plural}/${namespace}/`,
    );
  const accountOf = (quota: ResourceQuota): QuotaAccount => {
    let account = accounts.get(keyOf(quota));
    if (!account) accounts.set(keyOf(quota), (account = open(quota)));
    return account;
  };

  return {
    name: 'ResourceQuota',
    close() {
      quotas.close();
      for (const account of accounts.values()) account.close();
    },
    validate(attributes) {
      if (seen !== quotas.generation) sweep();
      const limiting = quotas.in(attributes.namespace);
      if (limiting.length === 0 || !takes(attributes)) return;
      const { object, old, namespace, resource, dryRun, onDone } = attributes;
      const { group, plural } = resource.definition.storedAs ?? resource.definition;
      const asked: { account: QuotaAccount; delta: Amounts }[] = [];
      for (const quota of limiting) {
        if (!inScope(quota, { group, plural }, object!)) continue;
        const account = accountOf(quota);
        const before = old && inScope(quota, { group, plural }, old) ? old : undefined;
        const delta = increase({ group, plural }, object!, before, account.hard);
        complain(attributes, account);
        if (Object.keys(delta).length === 0) continue;
        check(attributes, account, delta);
        asked.push({ account, delta });
      }
      if (dryRun) return;
      const key = resource.key(namespace, object!.metadata!.name!);
      for (const { account, delta } of asked) {
        const { reserved } = account;
        reserved.set(key, delta);
        onDone(() => {
          if (reserved.get(key) === delta) reserved.delete(key);
        });
      }
    },
  };
}

/** Whether a request may take more: all that is new, and what can grow. */
function takes(attributes: AdmissionAttributes): boolean {
  if (attributes.operation === 'CREATE') return attributes.subresource === undefined;
  if (attributes.operation !== 'UPDATE' || attributes.old?.metadata?.deletionTimestamp) return false;
  return (
    isAbout(attributes, '', 'services') ||
    isAbout(attributes, '', 'persistentvolumeclaims') ||
    isAbout(attributes, '', 'pods', 'resize')
  );
}

/** What of the quota's names the object takes more of than it did. */
function increase(counted: Counted, object: KubeObject, old: KubeObject | undefined, hard: Amounts): Amounts {
  const usage = usageOf(counted, object);
  const before = old ? usageOf(counted, old) : {};
  return Object.fromEntries(
    Object.keys(hard)
      .map((name) => [name, (usage[name] ?? 0) - (before[name] ?? 0)] as const)
      .filter(([, amount]) => amount > 0),
  );
}

/** Containers must say how much they take of what is limited. */
function complain(attributes: AdmissionAttributes, { hard, quota }: QuotaAccount): void {
  if (!isAbout(attributes, '', 'pods') && !isAbout(attributes, '', 'pods', 'resize')) return;
  const { spec } = attributes.object as Pod;
  const missing = Object.keys(hard)
    .filter((name) => perContainer.has(name))
    .sort()
    .flatMap((name) => {
      const [field, resource] = name.includes('.') ? name.split('.') : ['requests', name];
      const names = [...spec!.containers, ...(spec!.initContainers ?? [])]
        .filter((container) => container.resources?.[field as 'requests' | 'limits']?.[resource!] === undefined)
        .map((container) => container.name);
      return names.length > 0 ? [`${name} for: ${names.sort().join(',')}`] : [];
    });
  if (missing.length === 0) return;
  throw refusal(attributes, `failed quota: ${quota.metadata.name}: must specify ${missing.join('; ')}`);
}

function check(attributes: AdmissionAttributes, account: QuotaAccount, delta: Amounts): void {
  const { hard, quota } = account;
  const exceeded = Object.keys(delta)
    .filter((name) => account.used(name) + delta[name]! > hard[name]!)
    .sort();
  if (exceeded.length === 0) return;
  const show = (amount: (name: string) => number) =>
    exceeded.map((name) => `${name}=${formatAmount(name, amount(name))}`).join(',');
  throw refusal(
    attributes,
    `exceeded quota: ${quota.metadata.name}, requested: ${show((name) => delta[name]!)}, ` +
      `used: ${show((name) => account.used(name))}, limited: ${show((name) => hard[name]!)}`,
  );
}
