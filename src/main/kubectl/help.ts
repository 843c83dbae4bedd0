import { globalFlags, type Command } from './command';
import type { Flag } from './flags';

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');

function flagText(flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : '';
  const many = flag.type === 'list' || flag.type === 'array';
  const quoted = flag.type === 'string' ? `'${flag.default ?? ''}'` : (flag.default ?? (many ? '[]' : '0'));
  return `    ${short}--${flag.name}=${quoted}:\n\t${flag.help}\n`;
}

const sorted = <T extends { name: string }>(list: readonly T[]): T[] =>
  [...list].sort((a, b) => (a.name < b.name ? -1 : 1));

function commandList(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length)) + 3;
  return sorted(commands)
    .map((command) => `  ${command.name.padEnd(width)}${command.summary}\n`)
    .join('');
}

/** The help text of a command. @param path its words, `rollout status` */
export function commandHelp(command: Command, path: string): string {
  const parts = [`${command.summary}.\n`];
  if (command.examples) {
    const examples = command.examples.map(([comment, line]) => `# ${comment}\n${line}\n`).join('\n');
    parts.push(`Examples:\n${indent(examples)}`);
  }
  if (command.subcommands) parts.push(`Available Commands:\n${commandList(command.subcommands)}`);
  if (command.flags?.length) parts.push(`Options:\n${sorted(command.flags).map(flagText).join('\n')}`);
  const usage = command.usage ?? (command.subcommands ? 'SUBCOMMAND' : '[flags]');
  parts.push(`Usage:\n  kubectl ${path} ${usage} [options]\n`);
  const more = command.subcommands
    ? `Use "kubectl ${path} <command> --help" for more information about a given command.\n`
    : '';
  parts.push(`${more}Use "kubectl options" for a list of global command-line options (applies to all commands).\n`);
  return parts.join('\n');
}

/** The list of all commands. */
export function rootHelp(groups: readonly { title: string; commands: readonly Command[] }[]): string {
  const lists = groups.map(({ title, commands }) => `${title}:\n${commandList(commands)}`);
  return [
    'kubectl speaks to Kubernetes clusters. This is the command line bundled with Gantry.\n',
    ...lists,
    'Usage:\n  kubectl [flags] [options]\n',
    'Use "kubectl <command> --help" for more information about a given command.\nUse "kubectl options" for a list of global command-line options (applies to all commands).\n',
  ].join('\n');
}

/** The flags every command takes. */
export function optionsHelp(): string {
  return `The following options can be passed to any command:\n\n${sorted(globalFlags).map(flagText).join('\n')}`;
}
