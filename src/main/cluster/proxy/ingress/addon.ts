import type { Deployment, Event, KubeObject, Pod, Service } from '@shared/k8s';
import { isAlreadyExists } from '../../client/controller';
import { resources } from '../../client/resources';
import type { InformerFactory, KubeClient, ResourceRef } from '../../client/types';
import type { Logger } from '../../log';
import { ingressObjects, manifestAnnotation } from '../manifests';
import { choosePort, refusedPorts, type HostPorts, type PortCheck } from './host-ports';

export const systemNamespace = 'kube-system';
export const controllerName = 'ingress-nginx-controller';
const nameLabel = 'app.kubernetes.io/name';
const container = 'controller';
const annotations = { http: 'gantry.dev/host-http-port', https: 'gantry.dev/host-https-port' } as const;

export interface AddonOptions {
  client: KubeClient;
  informers: InformerFactory;
  /** What the user asked for; 0 is any free port, absent the usual ones first. */
  wanted: Partial<HostPorts>;
  isFree: PortCheck;
  log: Logger;
}

/** The pods that run nginx, and the host's ports they have. */
export interface Addon {
  /** The ports it has, when it is there. */
  ports(): HostPorts | undefined;
  /** Creates what is missing, replaces what another version of the app made, and takes other ports where the engine could not have these. */
  ensure(image: string): Promise<HostPorts>;
  /** Pods whose container runs, by its id. */
  running(): Map<string, { namespace: string; name: string; container: string; pod: Pod }>;
}

export const isController = (pod: Pod): boolean =>
  pod.metadata.namespace === systemNamespace && pod.metadata.labels?.[nameLabel] === 'ingress-nginx';

/** See Addon. Its informers are asked for here and must have been started before the first call. */
export function createAddon(options: AddonOptions): Addon {
  const { client, informers, log } = options;
  const deployments = informers.informer<Deployment>(resources.deployments);
  const services = informers.informer<Service>(resources.services);
  const pods = informers.informer<Pod>(resources.pods);
  const refused = new Set<number>();
  let announced = '';

  const create = async (ref: ResourceRef, object: KubeObject): Promise<void> => {
    try {
      await client.create(ref, object);
    } catch (error) {
      // The cache is behind; its event brings us back.
      if (!isAlreadyExists(error)) throw error;
    }
  };
  const portsOf = (deployment: Deployment | undefined): HostPorts | undefined => {
    const read = (scheme: keyof HostPorts): number => Number(deployment?.metadata.annotations?.[annotations[scheme]]);
    const ports = { http: read('http'), https: read('https') };
    return ports.http > 0 && ports.https > 0 ? ports : undefined;
  };
  const controllers = (): Pod[] => pods.list(systemNamespace).filter(isController);

  async function choose(scheme: keyof HostPorts, current: number | undefined): Promise<number> {
    const wanted = options.wanted[scheme];
    const keep =
      current !== undefined && !refused.has(current) && (!wanted || wanted === current || refused.has(wanted));
    if (keep) return current;
    const port = await choosePort(scheme, wanted, refused, options.isFree);
    if (port === undefined) throw new Error(`no port of this machine is free for ${scheme}`);
    if (wanted && port !== wanted)
      log.warn(`port ${wanted} is taken: ingresses are served on another`, { scheme, wanted, port });
    // Whatever is wrong with it, asking again and again would only end what works.
    if (wanted && port !== wanted) refused.add(wanted);
    return port;
  }

  /** Remembers what the engine could not publish. */
  async function learn(ports: HostPorts): Promise<void> {
    for (const pod of controllers()) {
      if (pod.metadata.deletionTimestamp || pod.status?.phase !== 'Pending') continue;
      const fieldSelector = `involvedObject.name=${pod.metadata.name}`;
      const { items } = await client.list<Event>(resources.events, systemNamespace, { fieldSelector });
      for (const { reason, message } of items) {
        if (reason !== 'FailedCreatePodSandBox') continue;
        for (const port of refusedPorts(message ?? '', ports)) refused.add(port);
      }
    }
  }

  return {
    ports: () => portsOf(deployments.get(systemNamespace, controllerName)),
    async ensure(image) {
      const current = deployments.get(systemNamespace, controllerName);
      const before = portsOf(current);
      if (before) await learn(before);
      const ports = { http: await choose('http', before?.http), https: await choose('https', before?.https) };
      const { service, deployment } = ingressObjects({ image, ports });
      const text = `${ports.http} ${ports.https}`;
      if (announced !== text)
        log.info('ingresses are served on this machine', { http: ports.http, https: ports.https });
      announced = text;
      const isCurrent = (object: KubeObject): boolean =>
        object.metadata?.annotations?.[manifestAnnotation] === deployment.metadata.annotations?.[manifestAnnotation];
      if (!current) await create(resources.deployments, deployment);
      else if (!isCurrent(current)) {
        const spec = { ...deployment.spec!, replicas: current.spec?.replicas };
        await client.update(resources.deployments, merged(current, deployment, spec));
      }
      const found = services.get(systemNamespace, controllerName);
      if (!found) await create(resources.services, service);
      else if (!isCurrent(found))
        await client.update(resources.services, merged(found, service, { ...found.spec, ...service.spec }));
      return ports;
    },
    running() {
      const found: ReturnType<Addon['running']> = new Map();
      for (const pod of controllers()) {
        const status = pod.status?.containerStatuses?.find(({ name }) => name === container);
        if (!status?.state?.running || !status.containerID || pod.metadata.deletionTimestamp) continue;
        found.set(status.containerID, { namespace: systemNamespace, name: pod.metadata.name, container, pod });
      }
      return found;
    },
  };
}

const merged = (current: KubeObject, wanted: KubeObject, spec: unknown): KubeObject =>
  ({
    ...current,
    metadata: {
      ...current.metadata,
      annotations: { ...current.metadata?.annotations, ...wanted.metadata?.annotations },
    },
    spec,
  }) as KubeObject;
