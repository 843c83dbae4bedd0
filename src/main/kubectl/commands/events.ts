import type { Event } from '@shared/k8s';
import type { Command, CommandCall } from '../command';
import { compareTimes, eventAge, lastSeen } from '../describe/events';
import { KubectlError } from '../errors';
import { objectPrinter } from '../output/printer';
import { printFlags } from '../command';
import { textTable } from '../output/table';
import { listAll, parseSelections } from '../resources';

async function run(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  const discovery = await session.discovery();
  const everywhere = flags.bool('all-namespaces');
  const namespace = everywhere ? undefined : await session.namespace();
  const query: string[] = [];
  if (flags.string('for')) {
    const [selection] = parseSelections(discovery, [flags.string('for')]);
    if (!selection?.name) throw new KubectlError('--for must be in resource/name form');
    query.push(`involvedObject.kind=${selection.mapping.kind}`, `involvedObject.name=${selection.name}`);
  }
  const list = await listAll(session, discovery.resolve('events'), namespace, {
    fieldSelector: query.join(',') || undefined,
  });
  const types = flags.list('types').map((type) => type.toLowerCase());
  const events = (list.items as Event[])
    .filter((event) => types.length === 0 || types.includes((event.type ?? '').toLowerCase()))
    .sort((a, b) => compareTimes(lastSeen(a), lastSeen(b)));
  const print = await objectPrinter(call);
  if (print) {
    call.out(print({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: events }, true));
    return;
  }
  if (events.length === 0) {
    call.err(everywhere ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`);
    return;
  }
  call.out(
    textTable(
      [...(everywhere ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
      events.map((event) => [
        ...(everywhere ? [event.metadata.namespace ?? ''] : []),
        eventAge(event, session.now()),
        event.type ?? '',
        event.reason ?? '',
        `${event.involvedObject.kind}/${event.involvedObject.name}`,
        (event.message ?? '').trim(),
      ]),
      { noHeaders: flags.bool('no-headers') },
    ),
  );
}

export const events: Command = {
  name: 'events',
  summary: 'List events',
  usage: '[(-o|--output=)json|yaml] [--for TYPE/NAME] [--types=Normal,Warning]',
  flags: [
    { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'Events of every namespace.' },
    { name: 'for', type: 'string', help: 'Only events about this TYPE/NAME.' },
    { name: 'types', type: 'list', help: 'Only these types (Normal, Warning).' },
    { name: 'no-headers', type: 'bool', default: 'false', help: 'No header line.' },
    ...printFlags,
  ],
  run,
};
