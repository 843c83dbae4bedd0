/** What a Service's status says of its load balancer. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Service } from '@shared/k8s';
import { timestamp } from '../../clock';
import { isBalancedHere } from './wanted';

type Status = NonNullable<Service['status']>;
type Condition = NonNullable<Status['conditions']>[number];

/** Kubernetes' name for a load balancer whose ports cannot be had. */
const portsError = 'LoadBalancerPortsError';

/**
 * A loopback address: what people of this machine can open. Inside the cluster nobody can, which `ipMode: Proxy` says.
 * Undefined when the status says it all already, or is another load balancer's.
 */
export function balancerStatus(
  service: Service,
  { conflict, ready, now }: { conflict?: string; ready: boolean; now: number },
): Status | undefined {
  if (service.spec?.type === 'LoadBalancer' && !isBalancedHere(service)) return undefined;
  const before = service.status ?? {};
  const here = isBalancedHere(service);
  const had = before.loadBalancer?.ingress?.length ? before.loadBalancer : {};
  const ingress = [{ ip: '127.0.0.1', ipMode: 'Proxy' }];
  // A pod that just restarts takes nothing back.
  const loadBalancer = !here || conflict ? {} : ready ? { ingress } : had;
  const others = (before.conditions ?? []).filter(({ type }) => type !== portsError);
  const old = before.conditions?.find(({ type }) => type === portsError);
  const wrong: Condition[] = conflict && here ? [condition(conflict, old, now)] : [];
  const conditions = [...others, ...wrong];
  const status = { ...before, loadBalancer, conditions } as Status;
  if (conditions.length === 0) delete status.conditions;
  return isDeepStrictEqual(status, { ...before, loadBalancer: before.loadBalancer ?? {} }) ? undefined : status;
}

function condition(message: string, old: Condition | undefined, now: number): Condition {
  return {
    type: portsError,
    status: 'True',
    reason: 'PortInUse',
    message,
    lastTransitionTime: old?.lastTransitionTime ?? timestamp(now),
  } as unknown as Condition;
}
