import { expect, it } from 'vitest';
import type { NetworkPolicy } from '@shared/k8s';
import { policyRules } from './policy-rules';

const rules = (spec: object) => policyRules({ spec } as unknown as NetworkPolicy);

it('says who may come in and on which ports', () => {
  const ingress = [
    {
      from: [
        { podSelector: { matchLabels: { app: 'web' } } },
        { podSelector: {} },
        { namespaceSelector: { matchLabels: { team: 'ops' } } },
        { namespaceSelector: {}, podSelector: { matchLabels: { app: 'probe' } } },
        { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
      ],
      ports: [{ port: 5432 }, { port: 8000, endPort: 8100, protocol: 'UDP' }, { protocol: 'SCTP' }],
    },
  ];
  const [only, ...others] = rules({ podSelector: {}, ingress });
  expect(others).toEqual([]);
  expect(only!.direction).toBe('ingress');
  expect(only!.rules[0]!.peers.map(({ key }) => key)).toEqual([
    'policy.podsHere',
    'policy.allPodsHere',
    'policy.allPodsNamespaces',
    'policy.podsEverywhere',
    'policy.blockExcept',
  ]);
  expect(only!.rules[0]!.peers[0]!.values).toEqual({ pods: 'app=web', namespaces: '' });
  expect(only!.rules[0]!.ports).toEqual(['TCP 5432', 'UDP 8000–8100', 'SCTP']);
});

it('tells a direction that is closed from one that is open and one that is not governed', () => {
  expect(rules({ podSelector: {}, policyTypes: ['Ingress', 'Egress'], egress: [{}] })).toEqual([
    { direction: 'ingress', rules: [] },
    { direction: 'egress', rules: [{ peers: [], ports: [] }] },
  ]);
  expect(rules({ podSelector: {}, policyTypes: ['Egress'] })).toEqual([{ direction: 'egress', rules: [] }]);
});
