import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap, Deployment, EndpointSlice, KubeObject, Pod, Service } from '@shared/k8s';
import { isAlreadyExists, isNotFound } from '../client/controller';
import { resources } from '../client/resources';
import type { InformerFactory, KubeClient, ResourceRef } from '../client/types';
import { renderZones } from './dns/zones';
import { kubeDnsObjects, kubeProxyPod, manifestAnnotation } from './manifests';

export const systemNamespace = 'kube-system';
export const dnsName = 'kube-dns';
const recordsName = 'kube-dns-records';

export interface AddonsOptions {
  client: KubeClient;
  informers: InformerFactory;
  clusterDomain: string;
  /** The address the DNS asks for. */
  dnsIp: string;
  serviceCidr: string;
  /** CIDR of the cluster's network, once it is there. */
  subnet(): string | undefined;
  /** The image, once it is there. */
  image(): string | undefined;
  /** Nodes with the address of their router. */
  routers(): { node: string; address: string }[];
}

/** Keeps the cluster's own objects in kube-system as their manifests say. Level-based: calling twice changes nothing. */
export interface Addons {
  /** Creates what is missing and replaces what an older version of the app made. */
  ensureObjects(): Promise<void>;
  /** Writes the DNS records when they changed. */
  ensureRecords(): Promise<void>;
}

/** See Addons. Its informers are asked for here and must have been started before the first call. */
export function createAddons(options: AddonsOptions): Addons {
  const { client, informers } = options;
  const namespaces = informers.informer(resources.namespaces);
  const pods = informers.informer<Pod>(resources.pods);
  const services = informers.informer<Service>(resources.services);
  const slices = informers.informer<EndpointSlice>(resources.endpointSlices);
  const deployments = informers.informer<Deployment>(resources.deployments);
  const configMaps = informers.informer<ConfigMap>(resources.configMaps);

  const create = async (ref: ResourceRef, object: KubeObject): Promise<void> => {
    try {
      await client.create(ref, object);
    } catch (error) {
      // The cache is behind; its event brings us back.
      if (!isAlreadyExists(error)) throw error;
    }
  };
  const isCurrent = (object: KubeObject, wanted: KubeObject): boolean =>
    object.metadata?.annotations?.[manifestAnnotation] === wanted.metadata?.annotations?.[manifestAnnotation];

  async function ensureRouters(image: string): Promise<void> {
    for (const { node, address } of options.routers()) {
      const wanted = kubeProxyPod({ node, router: address, image });
      const pod = pods.get(systemNamespace, wanted.metadata.name);
      if (!pod) {
        await create(resources.pods, wanted);
        continue;
      }
      const over = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
      if (pod.metadata.deletionTimestamp || (isCurrent(pod, wanted) && !over)) continue;
      // What holds the address must be gone before its successor comes: the removal brings us back.
      await client.delete(resources.pods, systemNamespace, pod.metadata.name).catch((error: Error) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }

  async function ensureDns(image: string | undefined): Promise<void> {
    const { service, deployment } = kubeDnsObjects({ clusterIp: options.dnsIp, image: image ?? '' });
    // Its address is taken at once, before another service may get it.
    if (!services.get(systemNamespace, dnsName)) await create(resources.services, service);
    if (!image) return;
    const current = deployments.get(systemNamespace, dnsName);
    if (!current) return create(resources.deployments, deployment);
    if (isCurrent(current, deployment)) return;
    // How many there are is the user's to say.
    const spec = { ...deployment.spec!, replicas: current.spec?.replicas };
    const annotations = { ...current.metadata.annotations, ...deployment.metadata.annotations };
    await client.update(resources.deployments, { ...current, metadata: { ...current.metadata, annotations }, spec });
  }

  return {
    async ensureObjects() {
      if (!namespaces.get(undefined, systemNamespace)) return;
      const image = options.image();
      await ensureDns(image);
      if (image) await ensureRouters(image);
    },
    async ensureRecords() {
      const subnet = options.subnet();
      if (!subnet || !options.image() || !namespaces.get(undefined, systemNamespace)) return;
      const zones = renderZones({
        services: services.list(),
        slices: slices.list(),
        pods: pods.list(),
        domain: options.clusterDomain,
        serviceCidr: options.serviceCidr,
        subnet,
        dnsIp: options.dnsIp,
      });
      const data = Object.fromEntries(Object.entries(zones).map(([zone, text]) => [`${zone}.zone`, text]));
      const current = configMaps.get(systemNamespace, recordsName);
      if (!current) {
        const metadata = { name: recordsName, namespace: systemNamespace, labels: { 'k8s-app': dnsName } };
        await create(resources.configMaps, { metadata, data } as unknown as KubeObject);
      } else if (!isDeepStrictEqual(current.data, data)) {
        await client.update(resources.configMaps, { ...current, data } as KubeObject);
      }
    },
  };
}
