import { describe, expect, it } from 'vitest';
import { findWord, parseFlags, parseGoDuration, type Flag } from './flags';

const specs: Flag[] = [
  { name: 'stdin', short: 'i', type: 'bool', help: '' },
  { name: 'tty', short: 't', type: 'bool', help: '' },
  { name: 'namespace', short: 'n', type: 'string', help: '' },
  { name: 'replicas', type: 'int', help: '' },
  { name: 'filename', short: 'f', type: 'list', help: '' },
  { name: 'from-literal', type: 'array', help: '' },
  { name: 'dry-run', type: 'string', default: 'none', alone: 'unchanged', help: '' },
];
const parse = (line: string) => parseFlags(line.split(' '), specs);

describe('parseFlags', () => {
  it('takes flags anywhere, in every form', () => {
    const { args, flags } = parse('pod -it -nprod a --replicas=3 -f a.yaml,b.yaml -f=c.yaml --from-literal a=1,2');
    expect(args).toEqual(['pod', 'a']);
    expect([flags.bool('stdin'), flags.bool('tty'), flags.string('namespace'), flags.int('replicas')]).toEqual([
      true,
      true,
      'prod',
      3,
    ]);
    expect(flags.list('filename')).toEqual(['a.yaml', 'b.yaml', 'c.yaml']);
    expect(flags.list('from-literal')).toEqual(['a=1,2']);
  });

  it('leaves what follows -- alone', () => {
    const { args, dash, flags } = parse('pod -i -- ls -t -- x');
    expect({ args, dash, tty: flags.bool('tty') }).toEqual({
      args: ['pod', 'ls', '-t', '--', 'x'],
      dash: 1,
      tty: false,
    });
  });

  it('never takes the next word for a flag that may stand alone', () => {
    const { args, flags } = parse('--dry-run x');
    expect([args, flags.string('dry-run')]).toEqual([['x'], 'unchanged']);
    expect(parse('--dry-run=server').flags.string('dry-run')).toBe('server');
  });

  it.each([
    ['--foo', 'unknown flag: --foo'],
    ['-iz', "unknown shorthand flag: 'z' in -iz"],
    ['-n', "flag needs an argument: 'n' in -n"],
    ['--namespace', 'flag needs an argument: --namespace'],
    ['--replicas=x', 'invalid argument "x" for "--replicas" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    ['-i=x', 'invalid argument "x" for "-i, --stdin" flag: strconv.ParseBool: parsing "x": invalid syntax'],
  ])('refuses %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });
});

describe('findWord', () => {
  it('skips flags and their values', () => {
    expect(findWord(['-it', 'exec', 'x'], specs)).toBe(1);
    expect(findWord(['-n', 'prod', 'get'], specs)).toBe(2);
    expect(findWord(['--namespace=prod', '--tty', 'get'], specs)).toBe(2);
    expect(findWord(['--', 'get'], specs)).toBe(-1);
  });
});

describe('parseGoDuration', () => {
  it('reads what Go prints and nothing else', () => {
    expect(['1m30s', '500ms', '1.5h', '0', '-1s', '5', '1d'].map(parseGoDuration)).toEqual([
      90_000,
      500,
      5_400_000,
      0,
      -1000,
      undefined,
      undefined,
    ]);
  });
});

it('keeps a flag of a command from one of the same name that every command takes', () => {
  const own = [{ name: 'user', type: 'array' as const, help: '' }];
  const all = [
    { name: 'user', type: 'string' as const, help: '' },
    { name: 'token', type: 'string' as const, help: '' },
  ];
  const { flags } = parseFlags(['--user=eve', '--token=t'], [...own, all[1]!]);
  const others = flags.as(all, own);
  expect([others.string('user'), others.changed('user'), others.string('token')]).toEqual(['', false, 't']);
  expect(flags.list('user')).toEqual(['eve']);
});
