import { Readable, Writable } from 'node:stream';
import type { KubeTransport } from '../cluster/client/transport';
import { runKubectl } from '../kubectl';
import { ServiceError } from './errors';
import { objectPath, type ObjectAddress } from './resources';

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}

/** What `kubectl describe` prints of an object. @throws ApiError, e.g. NotFound */
export async function describeObject(transport: KubeTransport, address: ObjectAddress): Promise<string> {
  // Failures of the API keep their Status this way; the command line would only print them.
  await transport.request({ method: 'GET', path: objectPath(address) });
  const { group, version, plural } = address.resource;
  const resource = group ? `${plural}.${version}.${group}` : plural;
  const namespace = address.namespace === undefined ? [] : ['--namespace', address.namespace];
  const [stdout, stderr] = [collector(), collector()];
  const code = await runKubectl(
    ['describe', resource, address.name, ...namespace],
    { stdin: Readable.from([]), stdout: stdout.stream, stderr: stderr.stream, env: {}, cwd: '/', isTTY: false },
    { transport },
  );
  if (code !== 0) throw new ServiceError('internal', stderr.text().trim() || `describe ended with code ${code}`);
  return stdout.text();
}
