import { KubectlError, quote } from './errors';

/** A flag as data. `help` is one line of our own words. */
export interface Flag {
  name: string;
  short?: string;
  /** `list` splits at commas, `array` takes each value whole; both may be repeated. */
  type: 'bool' | 'string' | 'int' | 'duration' | 'list' | 'array';
  default?: string;
  /** The value when the flag stands alone (`--cascade`, `--dry-run`); it then never takes the next argument. */
  alone?: string;
  help: string;
}

const aloneValue = (flag: Flag): string | undefined => (flag.type === 'bool' ? 'true' : flag.alone);

/** `-w, --watch` or `--watch`: how messages name a flag. */
const shown = (flag: Flag): string => (flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`);

const unit: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration (`1m30s`, `500ms`) or plain `0` in ms. @returns undefined when it is neither */
export function parseGoDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  const match = /^([-+]?)((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (!match) return undefined;
  let total = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(part[1]) * unit[part[2]!]!;
  return match[1] === '-' ? -total : total;
}

/** The values of a command's flags after parsing. */
export class FlagValues {
  private readonly values = new Map<string, string[]>();

  constructor(readonly specs: readonly Flag[]) {}

  /** The values of other flags' names: what was given for `hidden` is no value of theirs. */
  as(specs: readonly Flag[], hidden: readonly Flag[]): FlagValues {
    const others = new FlagValues(specs);
    for (const [name, values] of this.values)
      if (!hidden.some((flag) => flag.name === name)) others.values.set(name, values);
    return others;
  }

  private spec(name: string): Flag {
    const flag = this.specs.find((other) => other.name === name);
    if (!flag) throw new Error(`the command has no flag ${name}`);
    return flag;
  }

  /** Whether the user gave it. */
  changed(name: string): boolean {
    return this.values.has(name);
  }

  has(name: string): boolean {
    return this.specs.some((flag) => flag.name === name);
  }

  string(name: string): string {
    return this.values.get(name)?.at(-1) ?? this.spec(name).default ?? '';
  }

  bool(name: string): boolean {
    return ['true', '1', 't', 'T', 'TRUE', 'True'].includes(this.string(name));
  }

  int(name: string): number {
    return Number(this.string(name) || 0);
  }

  /** Milliseconds. */
  duration(name: string): number {
    return parseGoDuration(this.string(name) || '0') ?? 0;
  }

  list(name: string): string[] {
    const given = this.values.get(name);
    if (!given) return this.spec(name).default ? [this.spec(name).default!] : [];
    return this.spec(name).type === 'list'
      ? given.flatMap((value) => value.split(',')).filter((value) => value !== '')
      : given;
  }

  /** @throws KubectlError when the value is not of the flag's type */
  set(flag: Flag, value: string): void {
    const refuse = (why: string): never => {
      throw new KubectlError(`invalid argument ${quote(value)} for ${quote(shown(flag))} flag: ${why}`);
    };
    if (flag.type === 'bool' && !/^(1|0|t|f|T|F|true|false|TRUE|FALSE|True|False)$/.test(value)) {
      refuse(`strconv.ParseBool: parsing ${quote(value)}: invalid syntax`);
    }
    if (flag.type === 'int' && !/^[-+]?\d+$/.test(value))
      refuse(`strconv.ParseInt: parsing ${quote(value)}: invalid syntax`);
    if (flag.type === 'duration' && parseGoDuration(value) === undefined)
      refuse(`time: invalid duration ${quote(value)}`);
    this.values.set(flag.name, [...(this.values.get(flag.name) ?? []), value]);
  }
}

export interface ParsedArguments {
  args: string[];
  /** How many of `args` stood before `--`; -1 without `--`. */
  dash: number;
  flags: FlagValues;
  help: boolean;
}

/**
 * Parses arguments as kubectl does: flags anywhere before `--`, `--flag=value`,
 * `--flag value`, `-f value`, `-fvalue`, combined switches (`-it`).
 * @throws KubectlError in kubectl's words
 */
export function parseFlags(argv: readonly string[], specs: readonly Flag[]): ParsedArguments {
  const flags = new FlagValues(specs);
  const args: string[] = [];
  let dash = -1;
  let help = false;
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    if (argument === '--') {
      dash = args.length;
      args.push(...argv.slice(at + 1));
      break;
    }
    if (argument.startsWith('--')) {
      const equals = argument.indexOf('=');
      const name = argument.slice(2, equals < 0 ? undefined : equals);
      const flag = specs.find((other) => other.name === name);
      if (!flag) {
        if (name === 'help') {
          help = true;
          continue;
        }
        throw new KubectlError(`unknown flag: --${name}`);
      }
      if (equals >= 0) flags.set(flag, argument.slice(equals + 1));
      else if (aloneValue(flag) !== undefined) flags.set(flag, aloneValue(flag)!);
      else if (at + 1 < argv.length) flags.set(flag, argv[++at]!);
      else throw new KubectlError(`flag needs an argument: --${name}`);
    } else if (argument.startsWith('-') && argument.length > 1) {
      at += parseShort(argument, argv[at + 1], specs, flags, () => void (help = true));
    } else args.push(argument);
  }
  return { args, dash, flags, help };
}

/** Parses `-abc`; returns how many further arguments it took (0 or 1). */
function parseShort(
  argument: string,
  next: string | undefined,
  specs: readonly Flag[],
  flags: FlagValues,
  onHelp: () => void,
): number {
  for (let at = 1; at < argument.length; at++) {
    const letter = argument[at]!;
    const flag = specs.find((other) => other.short === letter);
    const rest = argument.slice(at + 1);
    if (!flag) {
      if (letter === 'h') {
        onHelp();
        continue;
      }
      throw new KubectlError(`unknown shorthand flag: '${letter}' in ${argument}`);
    }
    if (rest.startsWith('=')) {
      flags.set(flag, rest.slice(1));
      return 0;
    }
    if (aloneValue(flag) !== undefined) {
      flags.set(flag, aloneValue(flag)!);
      continue;
    }
    if (rest !== '') {
      flags.set(flag, rest);
      return 0;
    }
    if (next === undefined) throw new KubectlError(`flag needs an argument: '${letter}' in ${argument}`);
    flags.set(flag, next);
    return 1;
  }
  return 0;
}

/**
 * Splits off the next command word: flags before it (and their values) are kept for later.
 * @returns the word's place in argv, or -1
 */
export function findWord(argv: readonly string[], specs: readonly Flag[]): number {
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    if (argument === '--') return -1;
    if (!argument.startsWith('-') || argument === '-') return at;
    if (argument.includes('=')) continue;
    const long = argument.startsWith('--');
    if (!long && argument.length > 2) continue;
    const flag = specs.find((other) => (long ? other.name === argument.slice(2) : other.short === argument[1]));
    const help = argument === '--help' || argument === '-h';
    if (!help && (!flag || aloneValue(flag) === undefined)) at++;
  }
  return -1;
}
