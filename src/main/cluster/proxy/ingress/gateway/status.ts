import type { KubeObject } from '@shared/k8s';
import { isConflict, isNotFound } from '../../../client/controller';
import type { KubeClient, ResourceRef } from '../../../client/types';
import { timestamp } from '../../../clock';
import { address } from '../status';
import type { Attachment } from './attach';
import type { KnownListener, Verdict } from './listeners';
import {
  gatewayGroup,
  gatewayResources,
  type Condition,
  type Gateway,
  type GatewayClass,
  type HttpRoute,
} from './types';

/** Names this controller in GatewayClasses. */
export const gatewayController = 'gantry.dev/gateway';

/** Conditions as they are now; one that says what it said keeps its time. */
function conditions(
  before: readonly Condition[] | undefined,
  verdicts: Verdict[],
  generation: number | undefined,
  now: number,
): Condition[] {
  return verdicts.map((verdict) => {
    const old = before?.find(({ type }) => type === verdict.type);
    const lastTransitionTime = old?.status === verdict.status ? old.lastTransitionTime : timestamp(now);
    return { ...verdict, observedGeneration: generation ?? 0, lastTransitionTime };
  });
}

/** Writes statuses of the Gateway API's objects where they are not what they should be. */
export class GatewayStatus {
  constructor(
    private readonly client: KubeClient,
    private readonly now: () => number,
  ) {}

  async ofClass(object: GatewayClass): Promise<void> {
    const accepted: Verdict = {
      type: 'Accepted',
      status: 'True',
      reason: 'Accepted',
      message: 'served by the nginx of this cluster',
    };
    const { metadata, status } = object;
    await this.put(gatewayResources.classes, object, {
      ...status,
      conditions: conditions(status?.conditions, [accepted], metadata.generation, this.now()),
    });
  }

  /** @param serving whether an nginx has been told of it */
  async ofGateway(
    gateway: Gateway,
    listeners: readonly KnownListener[],
    attached: ReadonlyMap<KnownListener, number>,
    serving: boolean,
  ): Promise<void> {
    const { metadata, status } = gateway;
    const valid = listeners.every(({ works }) => works);
    const some = listeners.some(({ works }) => works);
    const verdicts: Verdict[] = [
      {
        type: 'Accepted',
        status: some ? 'True' : 'False',
        reason: valid ? 'Accepted' : 'ListenersNotValid',
        message: valid ? 'all listeners are served' : 'not all listeners can be served: see their conditions',
      },
      !some
        ? { type: 'Programmed', status: 'False', reason: 'Invalid', message: 'none of its listeners can be served' }
        : serving
          ? { type: 'Programmed', status: 'True', reason: 'Programmed', message: 'nginx serves it' }
          : {
              type: 'Programmed',
              status: 'False',
              reason: 'Pending',
              message: 'waiting for the ingress controller to start',
            },
    ];
    await this.put(gatewayResources.gateways, gateway, {
      addresses: [{ type: 'IPAddress', value: address }],
      conditions: conditions(status?.conditions, verdicts, metadata.generation, this.now()),
      listeners: listeners.map((known) => ({
        name: known.listener.name,
        attachedRoutes: attached.get(known) ?? 0,
        supportedKinds: known.takesHttpRoutes ? [{ group: gatewayGroup, kind: 'HTTPRoute' }] : [],
        conditions: conditions(
          status?.listeners?.find(({ name }) => name === known.listener.name)?.conditions,
          known.verdicts,
          metadata.generation,
          this.now(),
        ),
      })),
    });
  }

  async ofRoute(route: HttpRoute, attachments: readonly Attachment[]): Promise<void> {
    const before = route.status?.parents ?? [];
    const others = before.filter(({ controllerName }) => controllerName !== gatewayController);
    if (attachments.length === 0 && others.length === before.length) return;
    const own = attachments.map(({ parent, verdicts }) => {
      const old = before.find(
        (one) => one.controllerName === gatewayController && JSON.stringify(one.parentRef) === JSON.stringify(parent),
      );
      return {
        parentRef: parent,
        controllerName: gatewayController,
        conditions: conditions(old?.conditions, verdicts, route.metadata.generation, this.now()),
      };
    });
    await this.put(gatewayResources.routes, route, { parents: [...others, ...own] });
  }

  private async put<T extends KubeObject & { status?: unknown }>(
    ref: ResourceRef<T>,
    object: T,
    status: unknown,
  ): Promise<void> {
    if (same(object.status, status)) return;
    try {
      await this.client.updateStatus(ref, { ...object, status } as KubeObject);
    } catch (error) {
      // The cache will bring what is newer, or that it is gone.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

/** The order of fields means nothing. */
function same(a: unknown, b: unknown): boolean {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (!value || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([x], [y]) => (x < y ? -1 : 1))
        .map(([key, one]) => [key, sorted(one)]),
    );
  };
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}
