import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { generator, parsePairs } from './generate';

/** HOST/PATH=SERVICE:PORT[,tls[=SECRET]] */
const ruleShape = /^([\w*.-]*)(\/[^,=]*)=([^,:=]+):([^,:=]+)(?:,(tls)(?:=([^,]*))?)?$/;

const backend = (name: string, port: string): object => ({
  service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } },
});

interface Rules {
  rules: { host?: string; http: { paths: object[] } }[];
  tls: { hosts?: string[]; secretName?: string }[];
}

/** The rules of --rule, those of a host together. @throws KubectlError */
function rulesOf(texts: readonly string[]): Rules {
  const hosts = new Map<string, object[]>();
  const secrets = new Map<string, string[]>();
  for (const text of texts) {
    const match = ruleShape.exec(text);
    if (!match) {
      throw new KubectlError(
        `rule ${text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`,
      );
    }
    const [, host = '', path = '', service = '', port = '', tls, secret = ''] = match;
    const prefix = path.endsWith('*');
    const entry = {
      backend: backend(service, port),
      path: prefix ? path.slice(0, -1) : path,
      pathType: prefix ? 'Prefix' : 'Exact',
    };
    hosts.set(host, [...(hosts.get(host) ?? []), entry]);
    if (tls) secrets.set(secret, [...new Set([...(secrets.get(secret) ?? []), ...(host ? [host] : [])])]);
  }
  return {
    rules: [...hosts].map(([host, paths]) => ({ ...(host ? { host } : {}), http: { paths } })),
    tls: [...secrets].map(([secret, names]) => ({
      ...(names.length > 0 ? { hosts: names } : {}),
      ...(secret ? { secretName: secret } : {}),
    })),
  };
}

function specOf({ flags }: CommandCall): object {
  const given = flags.list('rule');
  const fallback = flags.string('default-backend');
  if (given.length === 0 && !fallback) {
    throw new KubectlError(
      'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
    );
  }
  const [service, port, ...more] = fallback.split(':');
  if (fallback && (!service || !port || more.length > 0))
    throw new KubectlError('default-backend should be in format servicename:serviceport');
  const { rules, tls } = rulesOf(given);
  return {
    ...(flags.string('class') ? { ingressClassName: flags.string('class') } : {}),
    ...(fallback ? { defaultBackend: backend(service!, port!) } : {}),
    ...(tls.length > 0 ? { tls } : {}),
    ...(rules.length > 0 ? { rules } : {}),
  };
}

export const createIngress = generator(
  {
    name: 'ingress',
    aliases: ['ing'],
    summary: 'Create an ingress with the specified name',
    usage: 'NAME --rule=host/path=service:port[,tls[=secret]]',
    examples: [
      ['Everything below a host', 'kubectl create ingress web --class=gantry --rule="web.example.com/*=web:80"'],
    ],
    flags: [
      {
        name: 'rule',
        type: 'array',
        help: 'HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; a path that ends in * is a prefix.',
      },
      { name: 'class', type: 'string', help: 'The ingress class.' },
      { name: 'default-backend', type: 'string', help: 'SERVICE:PORT for what no rule is about.' },
      { name: 'annotation', type: 'array', help: 'KEY=VALUE, may be repeated.' },
    ],
  },
  (call, name) => {
    const annotations = call.flags.list('annotation');
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, ...(annotations.length > 0 ? { annotations: parsePairs(annotations, 'annotation') } : {}) },
      spec: specOf(call),
      status: { loadBalancer: {} },
    };
  },
  'ingress',
);
