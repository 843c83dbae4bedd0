import type { Ingress, IngressBackend, Service } from '@shared/k8s';
import { ApiError } from '../../cluster/api/errors';
import { eventLines } from './events';
import { endpointText, slicesOf } from './service';
import type { Describe, DescribeCall } from './types';

/** `web:80 (10.0.0.1:8080)`: the service and port, and where that leads. */
async function backendText(call: DescribeCall<Ingress>, backend: IngressBackend): Promise<string> {
  const { service, resource } = backend;
  if (!service) return `APIGroup: ${resource?.apiGroup ?? ''}, Kind: ${resource?.kind}, Name: ${resource?.name}`;
  const port = service.port?.name ?? service.port?.number ?? '';
  return `${service.name}:${port} (${await endpointsOf(call, service.name, port)})`;
}

async function endpointsOf(call: DescribeCall<Ingress>, name: string, port: string | number): Promise<string> {
  const { namespace } = call.object.metadata;
  try {
    const path = `/api/v1/namespaces/${namespace}/services/${name}`;
    const { body } = await call.session.request<Service>({ method: 'GET', path });
    const found = body.spec?.ports?.find((other) => other.name === port || other.port === port);
    return endpointText(await slicesOf(call.session, namespace, name), found?.name ?? '');
  } catch (error) {
    if (error instanceof ApiError) return `<error: ${error.message}>`;
    throw error;
  }
}

export const describeIngress: Describe<Ingress> = async (call) => {
  const { lines, object, events, now, showEvents } = call;
  const { metadata, spec, status } = object;
  lines.add(0, `Name:\t${metadata.name}`);
  lines.map(0, 'Labels', metadata.labels);
  lines.add(0, `Namespace:\t${metadata.namespace}`);
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  lines.add(0, `Address:\t${addresses.join(',')}`);
  lines.add(0, `Ingress Class:\t${spec?.ingressClassName ?? '<none>'}`);
  const fallback = spec?.defaultBackend ? await backendText(call, spec.defaultBackend) : '<default>';
  lines.add(0, `Default backend:\t${fallback}`);
  if (spec?.tls?.length) {
    lines.add(0, 'TLS:');
    for (const { secretName, hosts = [] } of spec.tls)
      lines.add(1, secretName ? `${secretName} terminates ${hosts.join(',')}` : `SNI routes ${hosts.join(',')}`);
  }
  lines.add(0, 'Rules:\n  Host\tPath\tBackends');
  lines.add(1, '----\t----\t--------');
  const rules = (spec?.rules ?? []).filter((rule) => rule.http);
  for (const { host, http } of rules) {
    lines.add(1, `${host || '*'}\t`);
    for (const { path, backend } of http!.paths) lines.add(2, `\t${path ?? ''} \t${await backendText(call, backend)}`);
  }
  if (rules.length === 0) lines.add(1, `*\t*\t${fallback}`);
  lines.annotations(0, 'Annotations', metadata.annotations);
  if (showEvents) eventLines(lines, events, now);
};
