import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { KubeconfigExec, KubeconfigUser, ResolvedContext } from './kubeconfig';

/** What a connection needs beside the address. Certificates and keys are PEM. */
export interface Credentials {
  ca?: Buffer | string;
  cert?: Buffer | string;
  key?: Buffer | string;
  /** Sent with every request (impersonation, basic authentication). */
  headers?: Record<string, string>;
  insecureSkipTlsVerify?: boolean;
  serverName?: string;
  proxyUrl?: string;
  /** Gives the bearer token for a request; absent when the user has none. */
  token?: () => Promise<string | undefined>;
}

const fileOrData = async (file: string | undefined, data: string | undefined): Promise<Buffer | undefined> => {
  if (data) return Buffer.from(data, 'base64');
  return file ? readFile(file) : undefined;
};

interface ExecCredential {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  expirationTimestamp?: string;
}

/** Runs a credential plugin by the contract of client.authentication.k8s.io. */
async function runExecPlugin(
  exec: KubeconfigExec,
  context: ResolvedContext,
  env: Record<string, string | undefined>,
): Promise<ExecCredential> {
  const apiVersion = exec.apiVersion ?? 'client.authentication.k8s.io/v1';
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo
        ? {
            cluster: {
              server: context.cluster.server,
              'certificate-authority-data': context.cluster['certificate-authority-data'],
              'tls-server-name': context.cluster['tls-server-name'],
              'insecure-skip-tls-verify': context.cluster['insecure-skip-tls-verify'],
            },
          }
        : {}),
    },
  };
  const extra = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn(exec.command, exec.args ?? [], {
      env: { ...env, ...extra, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => void (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => void (stderr += chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      const hint = exec.installHint ? `\n\n${exec.installHint.trim()}` : '';
      const why = error.code === 'ENOENT' ? `executable ${exec.command} not found${hint}` : error.message;
      reject(new Error(`getting credentials: exec: ${why}`));
    });
    child.on('close', (code) => {
      if (code === 0) resolve(stdout);
      else
        reject(
          new Error(
            `getting credentials: exec: executable ${exec.command} failed with exit code ${code}${stderr ? `: ${stderr.trim()}` : ''}`,
          ),
        );
    });
  });
  let status: ExecCredential | undefined;
  try {
    status = (JSON.parse(output) as { status?: ExecCredential }).status;
  } catch {
    throw new Error(`getting credentials: decoding stdout of ${exec.command}: it is not JSON`);
  }
  if (!status?.token && !(status?.clientCertificateData && status.clientKeyData)) {
    throw new Error(`getting credentials: the plugin ${exec.command} gave neither a token nor a certificate`);
  }
  return status;
}

/** When a JWT runs out, in ms; 0 when it does not say. */
function tokenExpiry(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: number };
    return (exp ?? 0) * 1000;
  } catch {
    return 0;
  }
}

/** The ID token of an `oidc` auth provider, refreshed by the official client when it ran out. */
async function oidcToken(user: KubeconfigUser): Promise<string | undefined> {
  const provider = user['auth-provider']!;
  const current = provider.config?.['id-token'];
  if (current && (tokenExpiry(current) === 0 || tokenExpiry(current) > Date.now())) return current;
  let client: typeof import('@kubernetes/client-node');
  try {
    client = await import('@kubernetes/client-node');
  } catch (error) {
    throw new Error('refreshing an OIDC token needs Node 22.19 or newer', { cause: error });
  }
  const config = new client.KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: 'https://localhost', skipTLSVerify: false },
    { name: 'u', authProvider: provider },
  );
  const options: { headers?: Record<string, string> } = {};
  await config.applyToHTTPSOptions(options);
  const token = options.headers?.Authorization?.replace(/^Bearer /, '');
  if (!token) throw new Error('the OIDC token has expired and the kubeconfig holds nothing to refresh it with');
  return token;
}

function tokenSource(
  context: ResolvedContext,
  env: Record<string, string | undefined>,
  first: ExecCredential | undefined,
): Credentials['token'] {
  const { user } = context;
  if (user.token) return async () => user.token;
  if (user.tokenFile) return async () => (await readFile(user.tokenFile!, 'utf8')).trim();
  if (user.exec) {
    let credential = first;
    return async () => {
      const expiry = credential?.expirationTimestamp ? Date.parse(credential.expirationTimestamp) : Infinity;
      if (!credential || expiry <= Date.now()) credential = await runExecPlugin(user.exec!, context, env);
      return credential.token;
    };
  }
  const provider = user['auth-provider'];
  if (provider?.name === 'oidc') return () => oidcToken(user);
  if (provider) throw new Error(`no Auth Provider found for name ${JSON.stringify(provider.name)}`);
  return undefined;
}

function headersOf(user: KubeconfigUser): Record<string, string> {
  const headers: Record<string, string> = {};
  if (user.username)
    headers.Authorization = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  if (user.as) headers['Impersonate-User'] = user.as;
  if (user['as-uid']) headers['Impersonate-Uid'] = user['as-uid'];
  const groups = user['as-groups'] ?? [];
  // Each group would need a header of its own.
  if (groups.length > 1) throw new Error('impersonating more than one group is not supported');
  if (groups[0]) headers['Impersonate-Group'] = groups[0];
  return headers;
}

/**
 * What a resolved context needs to connect: certificates read, plugins run once.
 * @throws Error when a file is missing, a plugin fails or a provider is unknown
 */
export async function resolveCredentials(
  context: ResolvedContext,
  env: Record<string, string | undefined>,
): Promise<Credentials> {
  const { cluster, user } = context;
  const [ca, cert, key, plugin] = await Promise.all([
    fileOrData(cluster['certificate-authority'], cluster['certificate-authority-data']),
    fileOrData(user['client-certificate'], user['client-certificate-data']),
    fileOrData(user['client-key'], user['client-key-data']),
    user.exec && !user.token && !user.tokenFile ? runExecPlugin(user.exec, context, env) : undefined,
  ]);
  const headers = headersOf(user);
  const token = tokenSource(context, env, plugin);
  return {
    ca,
    cert: plugin?.clientCertificateData ?? cert,
    key: plugin?.clientKeyData ?? key,
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
    ...(cluster['tls-server-name'] ? { serverName: cluster['tls-server-name'] } : {}),
    ...(cluster['proxy-url'] ? { proxyUrl: cluster['proxy-url'] } : {}),
    ...(token ? { token } : {}),
  };
}
