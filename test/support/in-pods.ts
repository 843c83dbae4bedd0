import type { KubeList, Pod } from '@shared/k8s';
import { expect, vi } from 'vitest';
import type { ApiClient } from './app';
import { containersOf, docker } from './docker';

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

export async function podsOf(api: ApiClient, namespace: string, selector: string): Promise<Pod[]> {
  const query = `?labelSelector=${encodeURIComponent(selector)}`;
  return (await api.call<KubeList<Pod>>('GET', `/api/v1/namespaces/${namespace}/pods${query}`)).body.items;
}

/** Creates an object. @throws Error with the API's answer when it refuses */
export async function create(api: ApiClient, path: string, body: object): Promise<void> {
  const { status, text } = await api.call('POST', path, body);
  if (status !== 201) throw new Error(text);
}

/** The id of the container that runs in a pod. */
export async function containerIn(clusterId: string, pod: Pod): Promise<string> {
  const labels = { 'gantry.dev/pod-uid': pod.metadata.uid, 'gantry.dev/kind': 'app' };
  return (await containersOf(clusterId, labels)).find(({ State }) => State === 'running')!.Id;
}

/** The template of a pod with one container `main`. */
export const template = (labels: Record<string, string>, container: object, more: object = {}) => ({
  metadata: { labels },
  spec: { terminationGracePeriodSeconds: 1, ...more, containers: [{ name: 'main', image: 'busybox:1', ...container }] },
});

/** A pod of such a template. */
export function podOf(name: string, labels: Record<string, string>, container: object, more: object = {}) {
  const { metadata, spec } = template(labels, container, more);
  return { metadata: { ...metadata, name }, spec };
}

/** A container that answers requests with the name of its pod. */
export const web = {
  command: ['sh', '-c', 'mkdir -p /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www'],
  ports: [{ name: 'http', containerPort: 8080 }],
  readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
};

/** Waits for a condition in a hook, where there is no `expect.poll`. */
export const until = (condition: () => Promise<boolean>, timeout = 60_000) =>
  vi.waitFor(async () => expect(await condition()).toBe(true), { timeout, interval: 250 });

/** What answers at an address of this machine. */
export const fromHost = async (url: string): Promise<string> =>
  fetch(url, { signal: AbortSignal.timeout(3000), headers: { connection: 'close' } }).then(
    async (response) => (await response.text()).trim(),
    (error: Error) => `failed: ${error.message}`,
  );

/** Runs a command in a container, through Docker and not through the app. */
export async function runIn(id: string, command: string[]): Promise<string> {
  const exec = await docker.getContainer(id).exec({ Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let output = '';
  for await (const chunk of stream) output += String(chunk);
  return output.replaceAll('\r', '');
}

/** Programs of perl, which is in Debian: an echo server for UDP, and what asks one. */
export const udpEcho = `use IO::Socket::INET; $s = IO::Socket::INET->new(Proto => "udp", LocalPort => $ARGV[0]);
  while ($s->recv($m, 1500)) { $s->send("$ARGV[1] $m") }`;
export const udpAsk = `use IO::Socket::INET; $SIG{ALRM} = sub { print "silence"; exit };
  $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => $ARGV[0], $ARGV[1] ? (LocalPort => $ARGV[1]) : ());
  alarm 2; $s->send("hello"); defined $s->recv($m, 1500) ? print $m : print "refused"`;

/** Asks a name server for A records and prints whether the answer was cut off and how many records it has. */
export const dnsCount = `use IO::Socket::INET; ($p, $n) = @ARGV; alarm 5;
  $s = IO::Socket::INET->new(Proto => $p, PeerAddr => "10.96.0.10:53") or die "no connection";
  $q = pack("n6", 7, 256, 1, 0, 0, 0) . join("", map { pack("C/a*", $_) } split /\\./, $n) . pack("C n2", 0, 1, 1);
  if ($p eq "udp") { $s->send($q); $s->recv($m, 4096) }
  else { print $s pack("n/a*", $q); $s->flush; read $s, $l, 2; read $s, $m, unpack("n", $l) }
  ($id, $f, $qd, $an) = unpack("n6", $m); print(($f & 512 ? "cut" : "whole"), " $an")`;

/** For bash in the node image: asks the API as a pod does, with its token and checking the certificate. */
export const askApi = `d=/var/run/secrets/kubernetes.io/serviceaccount; cat > /tmp/n.conf <<C
pid /tmp/n.pid; error_log stderr; events {} http { access_log off; server { listen 127.0.0.1:8081; location / {
proxy_pass https://kubernetes.default.svc; proxy_ssl_verify on; proxy_ssl_trusted_certificate $d/ca.crt;
proxy_ssl_name kubernetes.default.svc; proxy_set_header Authorization "Bearer $(cat $d/token)"; } } }
C
[ -e /tmp/n.pid ] || nginx -c /tmp/n.conf; exec 3<>/dev/tcp/127.0.0.1/8081; printf 'GET /api HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
