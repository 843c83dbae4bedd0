import { KubectlError } from '../../errors';
import { generator } from './generate';

/** The container name an image suggests: `reg/team/web-app:1` → `web-app`. */
export function containerName(image: string): string {
  const last = image
    .slice(image.lastIndexOf('/') + 1)
    .split('@')[0]!
    .split(':')[0]!;
  return last
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

export const createDeployment = generator(
  {
    name: 'deployment',
    aliases: ['deploy'],
    summary: 'Create a deployment with the specified name',
    usage: 'NAME --image=image -- [COMMAND] [args...]',
    examples: [['Three replicas of an image', 'kubectl create deployment web --image=nginx --replicas=3 --port=80']],
    flags: [
      { name: 'image', type: 'list', help: 'Images to run, one container each.' },
      { name: 'port', type: 'int', default: '-1', help: 'The port the container listens on.' },
      { name: 'replicas', short: 'r', type: 'int', default: '1', help: 'How many pods.' },
    ],
    required: ['image'],
  },
  (call, name) => {
    const images = call.flags.list('image');
    const command = call.dash < 0 ? [] : call.args.slice(call.dash);
    if (images.length > 1 && command.length > 0)
      throw new KubectlError('cannot specify multiple --image options and command');
    const port = call.flags.int('port');
    const used = new Map<string, number>();
    const containers = images.map((image) => {
      const base = containerName(image);
      const count = used.get(base) ?? 0;
      used.set(base, count + 1);
      return {
        image,
        name: count === 0 ? base : `${base}-${count}`,
        ...(command.length > 0 ? { command } : {}),
        ...(port >= 0 ? { ports: [{ containerPort: port }] } : {}),
        resources: {},
      };
    });
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels: { app: name } },
      spec: {
        replicas: call.flags.int('replicas'),
        selector: { matchLabels: { app: name } },
        strategy: {},
        template: { metadata: { labels: { app: name } }, spec: { containers } },
      },
      status: {},
    };
  },
  'deployment',
);
