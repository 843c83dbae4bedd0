import { generator, parsePairs } from './generate';

const listed = (text: string): string[] => text.split(',').filter(Boolean);

export const createQuota = generator(
  {
    name: 'quota',
    aliases: ['resourcequota'],
    summary: 'Create a quota with the specified name',
    usage: 'NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2]',
    examples: [
      ['At most ten pods and 4 GiB of requests', 'kubectl create quota small --hard=pods=10,requests.memory=4Gi'],
    ],
    flags: [
      { name: 'hard', type: 'string', help: 'The most there may be, as resource=quantity pairs.' },
      { name: 'scopes', type: 'string', help: 'Which objects count.' },
    ],
  },
  ({ flags }, name) => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name },
    spec: {
      ...(flags.string('hard') ? { hard: parsePairs(listed(flags.string('hard')), 'argument') } : {}),
      ...(flags.string('scopes') ? { scopes: listed(flags.string('scopes')) } : {}),
    },
  }),
  'quota',
);
