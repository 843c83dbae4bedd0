import { randomInt } from 'node:crypto';
import type { Container } from '@shared/k8s';
import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { parsePairs } from '../create/generate';

type SecurityContext = NonNullable<Container['securityContext']>;

/** What a debugging container may do, by --profile. */
const profiles: Record<string, SecurityContext | undefined> = {
  legacy: undefined,
  baseline: undefined,
  general: { capabilities: { add: ['SYS_PTRACE'] } },
  netadmin: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
  sysadmin: { privileged: true },
  restricted: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
};

/** What --profile asks for. @throws KubectlError */
export function securityContextOf(call: CommandCall): SecurityContext | undefined {
  const profile = call.flags.string('profile');
  if (!(profile in profiles)) throw new KubectlError(`unknown profile: ${profile}`);
  return profiles[profile];
}

/** A name ending that nobody has to think of. */
export function suffix(): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
}

/** What follows `--`. */
export const commandOf = (call: CommandCall): string[] => (call.dash < 0 ? [] : call.args.slice(call.dash));

/** The container that the flags describe. */
export function debugContainer(call: CommandCall, name: string): Container {
  const { flags } = call;
  const command = commandOf(call);
  const env = Object.entries(parsePairs(flags.list('env'), 'env')).map(([key, value]) => ({ name: key, value }));
  const securityContext = securityContextOf(call);
  return {
    name,
    image: flags.string('image'),
    ...(flags.string('image-pull-policy') ? { imagePullPolicy: flags.string('image-pull-policy') } : {}),
    ...(command.length > 0 ? { [flags.bool('arguments-only') ? 'args' : 'command']: command } : {}),
    ...(env.length > 0 ? { env } : {}),
    resources: {},
    terminationMessagePolicy: 'File',
    ...(securityContext ? { securityContext } : {}),
    ...(flags.bool('stdin') ? { stdin: true } : {}),
    ...(flags.bool('tty') ? { tty: true } : {}),
  } as Container;
}
