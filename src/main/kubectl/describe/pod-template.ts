import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
  Toleration,
} from '@shared/k8s';
import { canonicalQuantity } from '@shared/quantity';
import { longTime, type Lines } from './lines';
import { volumeLines } from './volumes';

const flag = (value: unknown): string => (value ? 'True' : 'False');

function probeAction(probe: Probe): string {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  if (exec) return `exec [${(exec.command ?? []).join(' ')}]`;
  if (httpGet) {
    const host = `${httpGet.host ?? ''}:${httpGet.port ?? ''}`;
    return `http-get ${(httpGet.scheme ?? 'http').toLowerCase()}://${host}${httpGet.path ?? ''}`;
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port}`;
  if (grpc) return `grpc <pod>:${grpc.port} ${grpc.service ?? ''}`;
  return 'unknown';
}

/** `http-get http://:80/ delay=0s timeout=1s period=10s #success=1 #failure=3`. */
export const probeText = (probe: Probe): string =>
  `${probeAction(probe)} delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`;

function resourceLines(lines: Lines, level: number, title: string, amounts: Record<string, string> | undefined): void {
  const names = Object.keys(amounts ?? {}).sort();
  if (names.length === 0) return;
  lines.add(level, `${title}:`);
  for (const name of names) lines.add(level + 1, `${name}:\t${canonicalQuantity(amounts![name]!)}`);
}

function stateLines(lines: Lines, level: number, title: string, state: ContainerState | undefined): void {
  if (state?.running) {
    lines.add(level, `${title}:\tRunning`);
    lines.add(level + 1, `Started:\t${longTime(state.running.startedAt)}`);
  } else if (state?.terminated) {
    const { terminated } = state;
    lines.add(level, `${title}:\tTerminated`);
    if (terminated.reason) lines.add(level + 1, `Reason:\t${terminated.reason}`);
    if (terminated.message) lines.add(level + 1, `Message:\t${terminated.message}`);
    lines.add(level + 1, `Exit Code:\t${terminated.exitCode}`);
    if (terminated.signal) lines.add(level + 1, `Signal:\t${terminated.signal}`);
    lines.add(level + 1, `Started:\t${longTime(terminated.startedAt)}`);
    lines.add(level + 1, `Finished:\t${longTime(terminated.finishedAt)}`);
  } else if (state?.waiting) {
    lines.add(level, `${title}:\tWaiting`);
    if (state.waiting.reason) lines.add(level + 1, `Reason:\t${state.waiting.reason}`);
  } else lines.add(level, `${title}:\tWaiting`);
}

function environmentLines(lines: Lines, level: number, container: Container, pod: Pod | undefined): void {
  const { env = [] } = container;
  if (env.length === 0) {
    lines.add(level, 'Environment:\t<none>');
    return;
  }
  lines.add(level, 'Environment:');
  for (const { name, value, valueFrom } of env) {
    if (!valueFrom) {
      (value ?? '')
        .split('\n')
        .forEach((line, at) => lines.add(level + 1, at === 0 ? `${name}:\t${line}` : `\t${line}`));
    } else if (valueFrom.fieldRef) {
      const { apiVersion, fieldPath } = valueFrom.fieldRef;
      lines.add(level + 1, `${name}:\t${podField(pod, fieldPath)} (${apiVersion ?? 'v1'}:${fieldPath})`);
    } else if (valueFrom.resourceFieldRef) {
      const { resource, divisor } = valueFrom.resourceFieldRef;
      lines.add(
        level + 1,
        `${name}:\t${container.resources?.limits?.[resource] ?? container.resources?.requests?.[resource] ?? 0} (${resource})${divisor ? '' : ''}`,
      );
    } else if (valueFrom.secretKeyRef) {
      const { key, name: secret, optional } = valueFrom.secretKeyRef;
      lines.add(level + 1, `${name}:\t<set to the key '${key}' in secret '${secret}'>\tOptional: ${optional ?? false}`);
    } else if (valueFrom.configMapKeyRef) {
      const { key, name: map, optional } = valueFrom.configMapKeyRef;
      lines.add(
        level + 1,
        `${name}:\t<set to the key '${key}' of config map '${map}'>\tOptional: ${optional ?? false}`,
      );
    }
  }
}

function environmentFromLines(lines: Lines, level: number, container: Container): void {
  const { envFrom = [] } = container;
  if (envFrom.length === 0) return;
  lines.add(level, 'Environment Variables from:');
  for (const { configMapRef, secretRef, prefix } of envFrom) {
    const [kind, reference] = configMapRef ? ['ConfigMap', configMapRef] : ['Secret', secretRef];
    const with_ = prefix ? ` with prefix '${prefix}'` : '';
    lines.add(level + 1, `${reference?.name}\t${kind}${with_}\tOptional: ${reference?.optional ?? false}`);
  }
}

function mountLines(lines: Lines, level: number, container: Container): void {
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1));
  lines.add(level, `Mounts:${mounts.length === 0 ? '\t<none>' : ''}`);
  for (const mount of mounts) {
    const flags = [mount.readOnly ? 'ro' : 'rw', ...(mount.subPath ? [`path="${mount.subPath}"`] : [])];
    lines.add(level + 1, `${mount.mountPath} from ${mount.name} (${flags.join(',')})`);
  }
}

const portList = (container: Container, host: boolean): string =>
  (container.ports ?? [])
    .map(({ hostPort, containerPort, protocol, name }) => {
      const port = `${host ? (hostPort ?? 0) : containerPort}/${protocol ?? 'TCP'}`;
      return name ? `${port} (${name})` : port;
    })
    .join(', ');

/** The value of a field a container's environment may refer to; '' for those that are known at run time only. */
function podField(pod: Pod | undefined, path: string): string {
  const key = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (key) return pod?.metadata[key[1] as 'labels']?.[key[2]!] ?? '';
  const field = /^metadata\.(name|namespace|uid)$/.exec(path)?.[1] as 'name' | undefined;
  return field ? (pod?.metadata[field] ?? '') : '';
}

function commandLines(lines: Lines, level: number, title: string, list: string[] | undefined): void {
  if (!list?.length) return;
  lines.add(level, `${title}:`);
  for (const item of list) for (const line of item.split('\n')) lines.add(level + 1, line);
}

/** One container; of a pod, also what it does now. */
export function containerLines(
  lines: Lines,
  level: number,
  container: Container,
  status: ContainerStatus | undefined,
  pod: Pod | undefined,
): void {
  const running = pod !== undefined;
  lines.add(level, `${container.name}:`);
  const inner = level + 1;
  if (running) lines.add(inner, `Container ID:\t${status?.containerID ?? ''}`);
  lines.add(inner, `Image:\t${container.image}`);
  if (running) lines.add(inner, `Image ID:\t${status?.imageID ?? ''}`);
  const ports = portList(container, false);
  const label = (container.ports?.length ?? 0) > 1 ? 'Ports' : 'Port';
  lines.add(inner, `${label}:\t${ports || '<none>'}`);
  lines.add(inner, `Host ${label}:\t${portList(container, true) || '<none>'}`);
  commandLines(lines, inner, 'Command', container.command);
  commandLines(lines, inner, 'Args', container.args);
  if (running) {
    stateLines(lines, inner, 'State', status?.state);
    if (status?.lastState?.terminated) stateLines(lines, inner, 'Last State', status.lastState);
    lines.add(inner, `Ready:\t${flag(status?.ready)}`);
    lines.add(inner, `Restart Count:\t${status?.restartCount ?? 0}`);
  }
  const resources: ResourceRequirements | undefined = status?.resources ?? container.resources;
  resourceLines(lines, inner, 'Limits', resources?.limits as Record<string, string>);
  resourceLines(lines, inner, 'Requests', resources?.requests as Record<string, string>);
  if (container.livenessProbe) lines.add(inner, `Liveness:\t${probeText(container.livenessProbe)}`);
  if (container.readinessProbe) lines.add(inner, `Readiness:\t${probeText(container.readinessProbe)}`);
  if (container.startupProbe) lines.add(inner, `Startup:\t${probeText(container.startupProbe)}`);
  environmentFromLines(lines, inner, container);
  environmentLines(lines, inner, container, pod);
  mountLines(lines, inner, container);
}

export function containersLines(
  lines: Lines,
  level: number,
  title: string,
  containers: readonly Container[],
  statuses: readonly ContainerStatus[] | undefined,
  pod: Pod | undefined,
): void {
  lines.add(level, `${title}:`);
  for (const container of containers) {
    containerLines(
      lines,
      level + 1,
      container,
      statuses?.find((status) => status.name === container.name),
      pod,
    );
  }
}

/** `key:NoExecute op=Exists for 300s`. */
export function tolerationText(toleration: Toleration): string {
  const { key, operator, value, effect, tolerationSeconds } = toleration;
  let text = key ?? '';
  if (value) text += `=${value}`;
  if (effect) text += `:${effect}`;
  // An operator says nothing beside a value, and everything without a key.
  if (operator === 'Exists' && !value) text += key || effect ? ' op=Exists' : 'op=Exists';
  if (tolerationSeconds !== undefined && tolerationSeconds !== null) text += ` for ${tolerationSeconds}s`;
  return text;
}

/** Node selectors and tolerations of a pod spec. */
export function placementLines(lines: Lines, level: number, spec: PodSpec): void {
  lines.map(level, 'Node-Selectors', spec.nodeSelector);
  const tolerations = (spec.tolerations ?? []).map(tolerationText).sort();
  if (tolerations.length === 0) lines.add(level, 'Tolerations:\t<none>');
  tolerations.forEach((text, at) => lines.add(level, at === 0 ? `Tolerations:\t${text}` : `\t${text}`));
}

/** A pod template under its heading. */
export function podTemplateLines(lines: Lines, template: PodTemplateSpec): void {
  lines.add(0, 'Pod Template:');
  lines.map(1, 'Labels', template.metadata?.labels);
  if (Object.keys(template.metadata?.annotations ?? {}).length > 0)
    lines.annotations(1, 'Annotations', template.metadata?.annotations);
  const spec = template.spec!;
  if (spec.serviceAccountName) lines.add(1, `Service Account:\t${spec.serviceAccountName}`);
  if (spec.initContainers?.length)
    containersLines(lines, 1, 'Init Containers', spec.initContainers, undefined, undefined);
  containersLines(lines, 1, 'Containers', spec.containers, undefined, undefined);
  volumeLines(lines, 1, spec.volumes);
  if (spec.topologySpreadConstraints?.length) topologyLines(lines, 1, spec);
  if (spec.priorityClassName) lines.add(1, `Priority Class Name:\t${spec.priorityClassName}`);
  placementLines(lines, 1, spec);
}

/** Topology spread constraints, sorted by key. */
export function topologyLines(lines: Lines, level: number, spec: PodSpec): void {
  const constraints = [...(spec.topologySpreadConstraints ?? [])].sort((a, b) =>
    a.topologyKey < b.topologyKey ? -1 : 1,
  );
  constraints.forEach((constraint, at) => {
    const selector = Object.entries(constraint.labelSelector?.matchLabels ?? {}).map(
      ([key, value]) => `${key}=${value}`,
    );
    const text = `${constraint.topologyKey}:${constraint.whenUnsatisfiable} when max skew ${constraint.maxSkew} is exceeded for selector ${selector.join(',')}`;
    lines.add(level, at === 0 ? `Topology Spread Constraints:\t${text}` : `\t${text}`);
  });
}
