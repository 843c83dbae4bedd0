import type { Flag, FlagValues } from './flags';
import type { KubectlIo } from './io';
import type { Session } from './session';

/** What a command gets to work with. */
export interface CommandCall {
  args: string[];
  /** How many of `args` stood before `--`; -1 without `--`. */
  dash: number;
  flags: FlagValues;
  session: Session;
  io: KubectlIo;
  /** The words of the command, `rollout status`. */
  path: string;
  out(text: string): void;
  err(text: string): void;
}

/** A command as data: what help shows, what it takes, what it does. */
export interface Command {
  name: string;
  aliases?: string[];
  /** One line. */
  summary: string;
  /** What follows the command's words in its usage line. */
  usage?: string;
  /** Command lines that show how it is used, each with a comment. */
  examples?: [comment: string, line: string][];
  flags?: Flag[];
  /** Flags that must be given. */
  required?: string[];
  subcommands?: Command[];
  run?(call: CommandCall): Promise<void>;
}

/** Flags every command takes. */
export const globalFlags: Flag[] = [
  { name: 'kubeconfig', type: 'string', help: 'The kubeconfig file to use.' },
  { name: 'context', type: 'string', help: 'The kubeconfig context to use.' },
  { name: 'cluster', type: 'string', help: 'The kubeconfig cluster to use.' },
  { name: 'user', type: 'string', help: 'The kubeconfig user to use.' },
  { name: 'namespace', short: 'n', type: 'string', help: 'The namespace to work in.' },
  { name: 'server', short: 's', type: 'string', help: 'Address of the API server.' },
  { name: 'token', type: 'string', help: 'Bearer token for the API server.' },
  { name: 'username', type: 'string', help: 'User name for basic authentication.' },
  { name: 'password', type: 'string', help: 'Password for basic authentication.' },
  { name: 'as', type: 'string', help: 'User to act as.' },
  { name: 'as-group', type: 'array', help: 'Group to act as, may be repeated.' },
  { name: 'as-uid', type: 'string', help: 'UID to act as.' },
  { name: 'certificate-authority', type: 'string', help: 'File with the certificate authority of the server.' },
  { name: 'client-certificate', type: 'string', help: 'File with the client certificate.' },
  { name: 'client-key', type: 'string', help: 'File with the key of the client certificate.' },
  { name: 'insecure-skip-tls-verify', type: 'bool', default: 'false', help: 'Trust any server certificate.' },
  { name: 'tls-server-name', type: 'string', help: "Name to expect in the server's certificate." },
  {
    name: 'request-timeout',
    type: 'string',
    default: '0',
    help: 'How long one request may take (1s, 2m); 0 for ever.',
  },
  { name: 'cache-dir', type: 'string', help: 'Accepted; nothing is cached on disk.' },
  { name: 'disable-compression', type: 'bool', default: 'false', help: 'Accepted; responses are not compressed.' },
  {
    name: 'match-server-version',
    type: 'bool',
    default: 'false',
    help: 'Accepted; every server version is spoken to.',
  },
  { name: 'warnings-as-errors', type: 'bool', default: 'false', help: 'Fail when the server sends a warning.' },
  { name: 'v', short: 'v', type: 'int', default: '0', help: 'Log detail: 6 and up shows requests, 8 and up bodies.' },
];

export const filenameFlags: Flag[] = [
  { name: 'filename', short: 'f', type: 'list', help: 'File, directory or - (standard input) with objects.' },
  { name: 'recursive', short: 'R', type: 'bool', default: 'false', help: 'Go into the directories given with -f.' },
  { name: 'kustomize', short: 'k', type: 'string', help: 'Not supported by this command line.' },
];

export const selectorFlag: Flag = {
  name: 'selector',
  short: 'l',
  type: 'string',
  help: 'Label selector (key=value,key2 in (a,b),!key3).',
};

export const printFlags: Flag[] = [
  {
    name: 'output',
    short: 'o',
    type: 'string',
    help: 'json, yaml, name, wide, jsonpath=…, custom-columns=… or go-template=….',
  },
  { name: 'template', type: 'string', help: 'Template for the output format.' },
  {
    name: 'allow-missing-template-keys',
    type: 'bool',
    default: 'true',
    help: 'A field that is missing in a template prints nothing.',
  },
  { name: 'show-managed-fields', type: 'bool', default: 'false', help: 'Keep managedFields in YAML and JSON.' },
];

export const dryRunFlag: Flag = {
  name: 'dry-run',
  type: 'string',
  default: 'none',
  alone: 'unchanged',
  help: 'none, client (print only) or server (send, store nothing).',
};

export const fieldManagerFlag = (manager: string): Flag => ({
  name: 'field-manager',
  type: 'string',
  default: manager,
  help: 'Name under which field ownership is tracked.',
});

export const validateFlag: Flag = {
  name: 'validate',
  type: 'string',
  default: 'strict',
  alone: 'strict',
  help: 'strict (fail on unknown fields), warn or ignore.',
};
