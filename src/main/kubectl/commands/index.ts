import type { Command } from '../command';
import { get } from './get';

/** The commands as help lists them. */
export const commandGroups: { title: string; commands: Command[] }[] = [
  { title: 'Basic Commands (Intermediate)', commands: [get] },
];

export const commands: Command[] = commandGroups.flatMap((group) => group.commands);
