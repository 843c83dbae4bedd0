import type { Namespace } from '@shared/k8s';
import { expect, it } from 'vitest';
import { SiteBuilder } from '../site-builder';
import { backendsOf, outcome, type Question } from '../testing';
import { attachRoutes } from './attach';
import { sharedHostnames } from './hostnames';
import { listenersOf, type KnownListener } from './listeners';
import type { Gateway, HttpRoute, Listener, ReferenceGrant, RouteRule } from './types';

const ports = { http: 8080, https: 8443 };
const gateway = (...listeners: Partial<Listener>[]): Gateway => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { namespace: 'default', name: 'gate', uid: 'g' } as Gateway['metadata'],
  spec: {
    gatewayClassName: 'gantry',
    listeners: listeners.map((one, index) => ({ name: `l${index}`, port: 80, protocol: 'HTTP', ...one })),
  },
});
let counter = 0;
const route = (rules: RouteRule[], spec: Partial<HttpRoute['spec']> = {}, namespace = 'default'): HttpRoute => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { namespace, name: `route-${++counter}`, uid: `r${counter}` } as HttpRoute['metadata'],
  spec: { parentRefs: [{ name: 'gate', namespace: 'default' }], rules, ...spec },
});
const to = (name: string, more: object = {}): RouteRule => ({ backendRefs: [{ name, port: 80 }], ...more });
const at = (value: string, type = 'PathPrefix') => ({ path: { type, value } });

function serve(object: Gateway, routes: HttpRoute[], grants: ReferenceGrant[] = []) {
  const site = new SiteBuilder();
  const known = listenersOf(object, { ports, grants, secret: () => undefined });
  const attached = new Map<KnownListener, number>();
  const namespace = (name: string) => ({ metadata: { name, labels: { team: name } } }) as unknown as Namespace;
  const sources = { site, backends: backendsOf('a', 'b', 'c'), grants, ports, namespace };
  const attachments = attachRoutes(routes, known, sources, attached);
  return {
    ask: (question: Partial<Question>) => outcome(site.build(), { host: 'x.example', path: '/', ...question }),
    says: attachments.map(({ verdicts }) => verdicts.map(({ status, reason }) => `${status} ${reason}`)),
    attached: known.map((one) => attached.get(one) ?? 0),
    listeners: known.map(({ verdicts }) => verdicts.map(({ type, status, reason }) => `${type} ${status} ${reason}`)),
  };
}

it('ranks matches by path, then method, headers and query, and falls through', () => {
  const { ask } = serve(gateway({}), [
    route([
      to('a'),
      to('b', { matches: [at('/v1')] }),
      to('c', { matches: [{ ...at('/v1'), headers: [{ name: 'X-Env', value: 'canary' }] }] }),
      to('a', { matches: [{ ...at('/v1'), method: 'POST' }] }),
      to('c', { matches: [{ ...at('/v2'), queryParams: [{ name: 'q', value: '1' }] }] }),
      to('c', { matches: [at('/v1/exact', 'Exact')] }),
    ]),
  ]);
  expect(ask({ path: '/' })).toBe('default_a_80');
  expect(ask({ path: '/v1/x' })).toBe('default_b_80');
  expect(ask({ path: '/v1', headers: { 'X-Env': 'canary' } })).toBe('default_c_80');
  expect(ask({ path: '/v1', method: 'POST', headers: { 'X-Env': 'canary' } })).toBe('default_a_80');
  expect(ask({ path: '/v1/exact' })).toBe('default_c_80');
  expect(ask({ path: '/v2', query: { q: '1' } })).toBe('default_c_80');
  expect(ask({ path: '/v2', query: { q: '2' } })).toBe('default_a_80');
});

it('serves the hosts that listener and route have in common', () => {
  expect(sharedHostnames(undefined, undefined)).toEqual(['']);
  expect(sharedHostnames('*.x.example', ['a.x.example', 'b.example'])).toEqual(['a.x.example']);
  expect(sharedHostnames('a.x.example', ['*.x.example'])).toEqual(['a.x.example']);
  expect(sharedHostnames('*.x.example', ['x.example'])).toEqual([]);
  const { says } = serve(gateway({ hostname: 'y.example' }), [route([to('a')], { hostnames: ['x.example'] })]);
  expect(says).toEqual([['False NoMatchingListenerHostname', 'True ResolvedRefs']]);
});

it('lets in the namespaces that a listener allows, and counts what is attached', () => {
  const other = () => route([to('a')], {}, 'team');
  const from = (value: string, selector?: object) =>
    ({ allowedRoutes: { namespaces: { from: value, selector } } }) as Partial<Listener>;
  expect(serve(gateway({}), [other()]).says[0]![0]).toBe('False NotAllowedByListeners');
  expect(serve(gateway(from('All')), [other()])).toMatchObject({
    attached: [1],
    says: [['True Accepted', 'False BackendNotFound']],
  });
  expect(serve(gateway(from('Selector', { matchLabels: { team: 'team' } })), [other()]).attached).toEqual([1]);
  expect(serve(gateway(from('Selector', { matchLabels: { team: 'x' } })), [other()]).attached).toEqual([0]);
  const wrong = route([to('a')], { parentRefs: [{ name: 'gate', sectionName: 'none' }] });
  expect(serve(gateway({}), [wrong]).says[0]![0]).toBe('False NoMatchingParent');
  expect(serve(gateway({}), [route([to('a')], { parentRefs: [{ name: 'another' }] })]).says).toEqual([]);
});

it('says of a listener why it is not served', () => {
  const { listeners } = serve(
    gateway(
      { port: 81 },
      { protocol: 'TCP', port: 82 },
      { protocol: 'HTTPS', port: 443, tls: { certificateRefs: [{ name: 'x' }] } },
      { port: 8080 },
    ),
    [],
  );
  expect(listeners.map(([accepted, programmed, resolved]) => [accepted, programmed, resolved])).toEqual([
    ['Accepted False PortUnavailable', 'Programmed False Invalid', 'ResolvedRefs True ResolvedRefs'],
    ['Accepted False UnsupportedProtocol', 'Programmed False Invalid', 'ResolvedRefs True ResolvedRefs'],
    ['Accepted True Accepted', 'Programmed False Invalid', 'ResolvedRefs False InvalidCertificateRef'],
    ['Accepted True Accepted', 'Programmed True Programmed', 'ResolvedRefs True ResolvedRefs'],
  ]);
});

it('needs a grant for what is in another namespace', () => {
  const foreign = route([{ backendRefs: [{ name: 'a', namespace: 'default', port: 80 }] }], {}, 'team');
  const open = gateway({ allowedRoutes: { namespaces: { from: 'All' } } });
  const grant = {
    metadata: { namespace: 'default', name: 'grant' },
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'team' }],
      to: [{ group: '', kind: 'Service' }],
    },
  } as ReferenceGrant;
  const refused = serve(open, [foreign]);
  expect([refused.ask({}), refused.says[0]![1]]).toEqual(['500', 'False RefNotPermitted']);
  expect(serve(open, [foreign], [grant]).ask({})).toBe('default_a_80');
});

it('answers 500 for what it does not know, and says so', () => {
  const mirror = route([to('a', { filters: [{ type: 'RequestMirror' }] }), to('b', { matches: [at('/b')] })]);
  const { ask, says } = serve(gateway({}), [mirror]);
  expect(says[0]![0]).toBe('False UnsupportedValue');
  expect(ask({})).toBe('500');
  expect(ask({ path: '/b' })).toBe('default_b_80');
});

it('redirects to the port that clients see', () => {
  const redirect = (requestRedirect: object) => route([{ filters: [{ type: 'RequestRedirect', requestRedirect }] }]);
  expect(serve(gateway({}), [redirect({ scheme: 'https', statusCode: 301 })]).ask({})).toBe('301 https:8443');
  expect(serve(gateway({}), [redirect({ hostname: 'y.example' })]).ask({})).toBe('302 http:8080');
});
