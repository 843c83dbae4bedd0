import { createApiServer, createNodeConnections } from '../cluster/apiserver';
import { kinds } from '../cluster/api';
import { loadSchema } from '../cluster/api/schema';
import { createInProcessTransport } from '../cluster/client/in-process';
import { FakeClock } from '../cluster/clock';
import { silentLogger } from '../cluster/log';
import { openMemoryStore } from '../cluster/store';
import { createKinds } from './resources';

/** The real API server in memory, for the tests of what is built on it. */
export async function startTestApi() {
  const clock = new FakeClock();
  const store = openMemoryStore({ clock });
  const nodes = createNodeConnections();
  const server = createApiServer({ store, kinds, schema: loadSchema(), clock, log: silentLogger, nodes });
  const transport = createInProcessTransport(server);
  await transport.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'default' } } });
  const transportFor = () => transport;
  return { clock, transport, transportFor, nodes, kinds: createKinds(transportFor, () => clock.now()) };
}
