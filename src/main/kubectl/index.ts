import { globalFlags, type Command } from './command';
import { commandGroups, commands } from './commands';
import { describeFailure, ExitError, KubectlError, quote } from './errors';
import { findWord, FlagValues, parseFlags, type Flag } from './flags';
import { commandHelp, optionsHelp, rootHelp } from './help';
import type { KubectlIo } from './io';
import { Session, type SessionOptions } from './session';
import { suggestions } from './suggest';

export type { KubectlIo } from './io';

interface Found {
  command: Command;
  path: string;
  /** The arguments without the command's words. */
  argv: string[];
}

const named = (list: readonly Command[], word: string): Command | undefined =>
  list.find((command) => command.name === word || command.aliases?.includes(word));

/** Finds the command the words name; flags may stand between them. */
function findCommand(argv: readonly string[]): Found | undefined {
  const first = findWord(argv, globalFlags);
  if (first < 0) return undefined;
  const word = argv[first]!;
  let command = named(commands, word);
  if (!command) {
    const similar = suggestions(
      word,
      commands.map((other) => other.name),
    );
    const hint = similar.length > 0 ? `\n\nDid you mean this?\n${similar.map((name) => `\t${name}\n`).join('')}` : '';
    throw new KubectlError(`unknown command ${quote(word)} for "kubectl"${hint}`);
  }
  let path = command.name;
  let rest = [...argv.slice(0, first), ...argv.slice(first + 1)];
  while (command.subcommands) {
    const at = findWord(rest, [...(command.flags ?? []), ...globalFlags]);
    const next: Command | undefined = at < 0 ? undefined : named(command.subcommands, rest[at]!);
    if (!next) break;
    command = next;
    path = `${path} ${next.name}`;
    rest = [...rest.slice(0, at), ...rest.slice(at + 1)];
  }
  return { command, path, argv: rest };
}

function requireFlags(command: Command, flags: FlagValues): void {
  const missing = (command.required ?? []).filter((name) => !flags.changed(name));
  if (missing.length > 0) throw new KubectlError(`required flag(s) ${missing.map(quote).join(', ')} not set`);
}

async function runCommand(
  found: Found,
  io: KubectlIo,
  options: SessionOptions,
  onSession: (session: Session) => void,
): Promise<void> {
  const { command, path } = found;
  const specs: Flag[] = [
    ...(command.flags ?? []),
    ...globalFlags.filter((flag) => !command.flags?.some((own) => own.short !== undefined && own.short === flag.short)),
  ];
  let parsed;
  try {
    parsed = parseFlags(found.argv, specs);
  } catch (error) {
    if (!(error instanceof KubectlError)) throw error;
    throw new KubectlError(`${error.message}\nSee 'kubectl ${path} --help' for usage.`);
  }
  const { args, dash, flags, help } = parsed;
  if (help) {
    io.stdout.write(commandHelp(command, path));
    return;
  }
  if (!command.run) {
    if (args.length > 0) {
      throw new KubectlError(
        `unknown command ${quote(args.join(' '))}\nSee 'kubectl ${path} -h' for help and examples`,
      );
    }
    io.stderr.write(commandHelp(command, path));
    throw new ExitError(1);
  }
  requireFlags(command, flags);
  // `create rolebinding --user` is not whom to connect as.
  const session = new Session(io, flags.as(globalFlags, command.flags ?? []), options);
  onSession(session);
  await command.run({
    args,
    dash,
    flags,
    session,
    io,
    path,
    out: (text) => void io.stdout.write(text),
    err: (text) => void io.stderr.write(text),
  });
  if (session.warnings > 0 && flags.bool('warnings-as-errors')) {
    throw new KubectlError(`${session.warnings} warning${session.warnings === 1 ? '' : 's'} received`);
  }
}

function helpFor(words: readonly string[]): string {
  if (words.length === 0) return rootHelp(commandGroups);
  const found = findCommand(words)!;
  return commandHelp(found.command, found.path);
}

/**
 * Runs the bundled command line.
 * @param argv the arguments after `kubectl`
 * @returns the exit code; failures are printed on stderr, never thrown
 */
export async function runKubectl(argv: string[], io: KubectlIo, options: SessionOptions = {}): Promise<number> {
  let session: Session | undefined;
  try {
    const word = findWord(argv, globalFlags);
    if (word < 0 || argv[word] === 'help') {
      if (word < 0) parseRoot(argv);
      io.stdout.write(helpFor(word < 0 ? [] : argv.slice(word + 1)));
      return 0;
    }
    if (argv[word] === 'options') {
      io.stdout.write(optionsHelp());
      return 0;
    }
    await runCommand(findCommand(argv)!, io, options, (made) => void (session = made));
    return 0;
  } catch (error) {
    if (io.signal?.aborted && (error as Error).name === 'AbortError') return 130;
    const { text, exitCode } = describeFailure(error);
    if (text.trim()) io.stderr.write(text);
    return exitCode;
  } finally {
    await session?.close();
  }
}

/** Flags without a command must still be flags. */
function parseRoot(argv: readonly string[]): void {
  try {
    parseFlags(argv, globalFlags);
  } catch (error) {
    throw new KubectlError(`${(error as Error).message}\nSee 'kubectl --help' for usage.`);
  }
}
