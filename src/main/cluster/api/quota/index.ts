/** What objects take from resource quotas: the same for admission, which refuses, and the controller, which reports. */
export { inScope } from './scopes';
export {
  amountOf,
  countedBy,
  formatAmount,
  namesByResource,
  usageOf,
  usageOfStored,
  type Amounts,
  type Counted,
} from './usage';
