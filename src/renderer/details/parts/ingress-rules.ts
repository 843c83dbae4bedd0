import type { Ingress, IngressBackend } from '@shared/k8s';

/** A row of an Ingress' table: which requests go where. */
export interface IngressRule {
  host: string;
  path: string;
  pathType: string;
  service?: string;
  port: string;
  tls: boolean;
  /** Where a browser on this machine finds it; undefined where no single address stands for it. */
  url?: string;
}

const portText = (backend: IngressBackend): string =>
  String(backend.service?.port?.number ?? backend.service?.port?.name ?? '');

/** The rules of an Ingress in their order, its default backend last. */
export function ingressRules({ spec, status }: Ingress): IngressRule[] {
  const secured = new Set((spec?.tls ?? []).flatMap(({ hosts }) => hosts ?? []));
  const [entry] = status?.loadBalancer?.ingress ?? [];
  const row = (host: string, path: string, pathType: string, backend: IngressBackend): IngressRule => {
    const tls = secured.has(host) || secured.has(host.replace(/^[^.]+/, '*'));
    const url = entry && urlOf(host || (entry.hostname ?? entry.ip ?? ''), path, tls, entry.ports ?? []);
    return {
      host: host || '*',
      path,
      pathType,
      ...(backend.service ? { service: backend.service.name } : {}),
      port: portText(backend),
      tls,
      ...(url ? { url } : {}),
    };
  };
  const rules = (spec?.rules ?? []).flatMap(({ host = '', http }) =>
    (http?.paths ?? []).map(({ path = '/', pathType = '', backend }) => row(host, path, pathType, backend)),
  );
  return spec?.defaultBackend ? [...rules, row('', '/', 'Default', spec.defaultBackend)] : rules;
}

/** @param ports as the status names them: that of http, then that of https */
function urlOf(host: string, path: string, tls: boolean, ports: readonly { port: number }[]): string | undefined {
  // A wildcard and a regular expression stand for many.
  if (!host || host.includes('*') || /[()[\]{}*+?|^$\\]/.test(path)) return undefined;
  const usual = tls ? 443 : 80;
  const port = ports[tls ? 1 : 0]?.port ?? usual;
  return `${tls ? 'https' : 'http'}://${host}${port === usual ? '' : `:${port}`}${path}`;
}
