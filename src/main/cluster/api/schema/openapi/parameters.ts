/** A parameter in the query or the path of a request. */
export interface Parameter {
  name: string;
  in: 'query' | 'path';
  type: 'string' | 'integer' | 'boolean';
  description: string;
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  type,
  description,
});

export const pathParameter = (name: string): Parameter => ({
  name,
  in: 'path',
  type: 'string',
  description: `which ${name} is meant`,
});

export const pretty = query('pretty', 'string', 'Whether the answer is laid out for people.');

const dryRun = query('dryRun', 'string', 'All: go through every step and store nothing.');

const selecting = [
  query('continue', 'string', 'Where the last page of a list ended, as its metadata said.'),
  query('fieldSelector', 'string', 'Narrows the list to objects with these fields.'),
  query('labelSelector', 'string', 'Narrows the list to objects with these labels.'),
  query('limit', 'integer', 'The most objects in one answer.'),
  query('resourceVersion', 'string', 'The version that the answer may not be older than.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'A watch begins with what is there already.'),
  query('timeoutSeconds', 'integer', 'When the call ends, whatever happens.'),
];

export const listing = [
  query('allowWatchBookmarks', 'boolean', 'A watch may tell how far it has come.'),
  ...selecting,
  query('watch', 'boolean', 'Tells changes as they happen instead of listing.'),
];

export const writing = [
  dryRun,
  query('fieldManager', 'string', 'Who owns the fields that are written.'),
  query('fieldValidation', 'string', 'What happens to unknown and duplicate fields: Ignore, Warn or Strict.'),
];

export const patching = [...writing, query('force', 'boolean', 'Takes over fields that another manager owns.')];

export const deleting = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'How long the object may take to end.'),
  query('orphanDependents', 'boolean', 'The old form of propagationPolicy.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
];

export const deletingMany = [...deleting, ...selecting];

const run = [
  query('container', 'string', 'The container that is meant, where there are several.'),
  query('stdin', 'boolean', 'Passes standard input on.'),
  query('stdout', 'boolean', 'Passes standard output on.'),
  query('stderr', 'boolean', 'Passes standard error on.'),
  query('tty', 'boolean', 'Gives the process a terminal.'),
];

/** What the connecting subresources take. */
export const connecting: Record<string, Parameter[]> = {
  exec: [...run, query('command', 'string', 'The command; a word each.')],
  attach: run,
  portforward: [query('ports', 'integer', 'The ports that are forwarded.')],
  proxy: [query('path', 'string', 'The path that is asked for behind the API.')],
  log: [
    query('container', 'string', 'The container that is meant, where there are several.'),
    query('follow', 'boolean', 'Goes on with what is written later.'),
    query('limitBytes', 'integer', 'The most bytes that are answered.'),
    query('previous', 'boolean', 'The container before the last restart.'),
    query('sinceSeconds', 'integer', 'Only lines of so many seconds.'),
    query('sinceTime', 'string', 'Only lines from then on.'),
    query('tailLines', 'integer', 'Only so many lines from the end.'),
    query('timestamps', 'boolean', 'Begins each line with its time.'),
  ],
};
