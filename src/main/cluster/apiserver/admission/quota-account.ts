import type { KubeObject, ResourceQuota } from '@shared/k8s';
import { amountOf, inScope, namesByResource, usageOfStored, type Amounts, type Counted } from '../../api/quota';
import type { Store, StoreWatch } from '../../store/types';

/** What is taken of one quota: by what is stored, read once and followed, and by requests under way. */
export class QuotaAccount {
  readonly hard: Amounts = {};
  private readonly stored: Amounts = {};
  private readonly watches: StoreWatch[] = [];

  /**
   * @param reserved by the keys of the objects that requests are about to store
   * @param prefixOf where the objects of a resource are in the store
   */
  constructor(
    store: Store,
    readonly quota: ResourceQuota,
    readonly reserved: Map<string, Amounts>,
    prefixOf: (resource: Counted, namespace: string) => string,
  ) {
    for (const [name, quantity] of Object.entries(quota.spec?.hard ?? {})) this.hard[name] = amountOf(name, quantity);
    for (const { resource, names } of namesByResource(Object.keys(this.hard))) {
      const count = (object: KubeObject, sign: 1 | -1) => this.count(resource, names, object, sign);
      const prefix = prefixOf(resource, quota.metadata.namespace!);
      const { items, revision } = store.list(prefix);
      for (const { value } of items) count(value, 1);
      const follow = store.watch(prefix, revision, ({ type, key, object, previous }) => {
        if (previous) count(previous.value, -1);
        if (type === 'PUT') count(object.value, 1);
        // What was reserved is stored now.
        this.reserved.delete(key);
      });
      this.watches.push(follow);
    }
  }

  used(name: string): number {
    let sum = this.stored[name] ?? 0;
    for (const amounts of this.reserved.values()) sum += amounts[name] ?? 0;
    return sum;
  }

  close(): void {
    for (const watch of this.watches) watch.close();
  }

  private count(resource: Counted, names: readonly string[], object: KubeObject, sign: 1 | -1): void {
    if (!inScope(this.quota, resource, object)) return;
    const usage = usageOfStored(resource, object);
    for (const name of names) this.stored[name] = (this.stored[name] ?? 0) + sign * (usage[name] ?? 0);
  }
}
