import type { Ingress } from '@shared/k8s';
import { expect, it } from 'vitest';
import { ingressRules } from './ingress-rules';

const backend = (name: string) => ({ service: { name, port: { number: 80 } } });
const rule = (host: string | undefined, path: string) => ({
  host,
  http: { paths: [{ path, pathType: 'Prefix', backend: backend('web') }] },
});
const ingress = (spec: object, ports: number[] = [8080, 443]): Ingress =>
  ({
    spec,
    status: {
      loadBalancer: { ingress: [{ ip: '127.0.0.1', ports: ports.map((port) => ({ port, protocol: 'TCP' })) }] },
    },
  }) as Ingress;
const urls = (object: Ingress) => ingressRules(object).map(({ url }) => url);

it('links each path with the port that is published, over TLS where the host has it', () => {
  const spec = {
    rules: [rule('a.example', '/x'), rule('b.example', '/'), rule(undefined, '/y')],
    tls: [{ hosts: ['b.example'] }],
  };
  expect(urls(ingress(spec))).toEqual(['http://a.example:8080/x', 'https://b.example/', 'http://127.0.0.1:8080/y']);
});

it('links nothing that stands for many addresses, and nothing before it is served', () => {
  expect(urls(ingress({ rules: [rule('*.example', '/'), rule('a.example', '/v1(/|$)(.*)')] }))).toEqual([
    undefined,
    undefined,
  ]);
  expect(urls({ spec: { rules: [rule('a.example', '/')] } } as Ingress)).toEqual([undefined]);
});

it('shows the default backend last', () => {
  const rows = ingressRules(ingress({ rules: [rule('a.example', '/')], defaultBackend: backend('rest') }));
  expect(rows.at(-1)).toMatchObject({ host: '*', pathType: 'Default', service: 'rest' });
});
