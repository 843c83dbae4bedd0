import { createHash } from 'node:crypto';
import type { Deployment, KubeObject, Pod, Service } from '@shared/k8s';
import { parseAllDocuments } from 'yaml';
import ingressNginx from '../../../../resources/addons/ingress-nginx.yaml?raw';
import kubeDns from '../../../../resources/addons/kube-dns.yaml?raw';
import kubeProxy from '../../../../resources/addons/kube-proxy.yaml?raw';

/** Marks an object with the manifest it was made from, so that a new version of the app is noticed. */
export const manifestAnnotation = 'gantry.dev/manifest-hash';

/** Fills `$(NAME)` in. @throws Error when a value is missing */
function render(template: string, values: Record<string, string>): KubeObject[] {
  const text = template.replace(/\$\(([A-Z]+)\)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the manifest needs a value for ${name}`);
    return value;
  });
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return parseAllDocuments(text).map((document) => {
    const object = document.toJS() as KubeObject;
    const annotations = { ...object.metadata?.annotations, [manifestAnnotation]: hash };
    return { ...object, metadata: { ...object.metadata, annotations } };
  });
}

/** The router's pod on a node. */
export function kubeProxyPod(values: { node: string; router: string; image: string }): Pod {
  return render(kubeProxy, { NODE: values.node, ROUTER: values.router, IMAGE: values.image })[0] as Pod;
}

/** The cluster's DNS. The Service does not depend on the image. */
export function kubeDnsObjects(values: { clusterIp: string; image: string }): {
  service: Service;
  deployment: Deployment;
} {
  const [service, deployment] = render(kubeDns, { DNS: values.clusterIp, IMAGE: values.image });
  return { service: service as Service, deployment: deployment as Deployment };
}

/** nginx for Ingresses and Gateways, on ports of the host. */
export function ingressObjects(values: { image: string; ports: { http: number; https: number } }): {
  service: Service;
  deployment: Deployment;
} {
  const { http, https } = values.ports;
  const [service, deployment] = render(ingressNginx, { IMAGE: values.image, HTTP: `${http}`, HTTPS: `${https}` });
  return { service: service as Service, deployment: deployment as Deployment };
}
