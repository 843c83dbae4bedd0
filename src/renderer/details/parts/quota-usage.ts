import type { ResourceQuota } from '@shared/k8s';
import { parseQuantity } from '@shared/quantity';
import { readableQuantity } from '@shared/readable-quantity';

/** One limited resource of a quota. */
export interface QuotaUsage {
  resource: string;
  used: string;
  hard: string;
  /** Used of what is allowed, 0…1 and beyond. */
  share: number;
}

/** What a quota limits and how much of it is used, the fullest first. */
export function quotaUsage(quota: ResourceQuota): QuotaUsage[] {
  const hard = quota.status?.hard ?? quota.spec?.hard ?? {};
  return Object.entries(hard)
    .map(([resource, most]) => {
      const used = quota.status?.used?.[resource] ?? '0';
      const of = parseQuantity(most);
      const taken = parseQuantity(used);
      return {
        resource,
        used: readableQuantity(resource, used),
        hard: readableQuantity(resource, most),
        share: of > 0 ? taken / of : taken > 0 ? 1 : 0,
      };
    })
    .toSorted((a, b) => b.share - a.share || a.resource.localeCompare(b.resource));
}
