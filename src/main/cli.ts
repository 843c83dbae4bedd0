import { createRequire } from 'node:module';
import { join } from 'node:path';
import { defaultDataDirectory, parseAppOptions, UsageError } from './options';
import { appRoot } from './paths';
import { systemErrorText } from './system-errors';

const usage = `Gantry: a Kubernetes-compatible cluster on the Docker socket you already have.

Usage:
  gantry serve [flags]     run the cluster and serve the window to a browser
  gantry delete [flags]    remove a cluster: its containers, networks, volumes and data
  gantry kubectl …         the bundled command line
  gantry version

Flags of serve:
  --data-dir DIR           where the cluster is kept (default ${defaultDataDirectory()})
  --port N                 port of the window (0: any free one; default: the one used last)
  --api-port N             port of the Kubernetes API (0: any free one; default: the one used last)
  --http-port N            port of Ingresses and Gateways (0: any free one; default: 80, or another if it is taken)
  --https-port N           the same for TLS (default: 443, or another)
  --kubeconfig FILE        where the admin kubeconfig is written (default DIR/kubeconfig)
  --nodes N                node agents on the Docker engine (default 1)
  --simulated-nodes N      simulated nodes beside them (default 0)
  --runtime NAME           docker, simulated or auto (default auto)
  --docker-host URL        the engine's address (default: as the docker command finds it)
  --cluster-name NAME      name of the cluster, its context and its first node (default gantry)
  --scheduling HOW         spread pods over the nodes, or pack them onto few (default spread)
  --reach HOW              how pods are reached from here: direct, tunnel (through the engine) or auto (default)
  --hpa-sync-period TIME   how often autoscalers look at their metrics (default 15s)
  --audit-log FILE         where every API request is written down, a line of JSON each
  --no-ui                  the API only
  --open                   open the window in the browser
  -v, --verbose            log more

Flags of delete:
  --data-dir DIR           the cluster to remove
  --docker-host URL        the engine it ran on
`;

async function main(argv: string[]): Promise<number> {
  const [command, ...rest] = argv;
  switch (command) {
    case 'kubectl': {
      const { runKubectl } = await import('./kubectl');
      return runKubectl(rest, {
        stdin: process.stdin,
        stdout: process.stdout,
        stderr: process.stderr,
        env: process.env,
        cwd: process.cwd(),
        isTTY: Boolean(process.stdout.isTTY),
        columns: process.stdout.columns,
      });
    }
    case 'serve': {
      if (rest.includes('--help')) return say(usage);
      const { serve } = await import('./serve/command');
      return serve(parseAppOptions(rest));
    }
    case 'delete': {
      if (rest.includes('--help')) return say(usage);
      const { deleteCluster } = await import('./cluster/delete');
      const { dataDirectory, dockerHost } = parseAppOptions(rest);
      return say(`${await deleteCluster(dataDirectory, dockerHost)}\n`);
    }
    case 'version':
    case '--version':
      return say(
        `gantry ${(createRequire(import.meta.url)(join(appRoot, 'package.json')) as { version: string }).version}\n`,
      );
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return say(usage);
    default:
      throw new UsageError(`unknown command "${command}"`);
  }
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
    // A kept-alive connection must not hold a finished command.
    if (process.stdout.writableLength === 0) process.exit(code);
    process.stdout.once('drain', () => process.exit(code));
  },
  (error: Error) => {
    process.stderr.write(`gantry: ${systemErrorText(error)}\n`);
    if (error instanceof UsageError) process.stderr.write('Run "gantry help" for the commands and their flags.\n');
    else if (process.env.GANTRY_DEBUG) process.stderr.write(`${error.stack}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
