import type { Command } from '../../command';
import { pause, restart, resume } from './control';
import { history } from './history';
import { status } from './status';
import { undo } from './undo';

export const rollout: Command = {
  name: 'rollout',
  summary: 'Manage the rollout of a resource',
  subcommands: [history, pause, restart, resume, status, undo],
};
