import type { Container, Probe } from '@shared/k8s';
import type { FieldError } from '../../kind';
import { forbidden, invalid, invalidEach, nonNegative, notSupported, required } from '../../validation/field';
import { httpHeaderName, portNumber, portNumberOrName } from '../../validation/strings';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { sleep?: { seconds: number } };
type HttpGet = NonNullable<Probe['httpGet']>;

/** Faults of a container's three probes. */
export function validateProbes(container: Container, path: string): FieldError[] {
  return [
    ...validateLiveness(container.livenessProbe, `${path}.livenessProbe`),
    ...validateReadiness(container.readinessProbe, `${path}.readinessProbe`),
    ...validateLiveness(container.startupProbe, `${path}.startupProbe`),
  ];
}

function validateReadiness(probe: Probe | undefined, path: string): FieldError[] {
  const errors = validateProbe(probe, path);
  if (probe?.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds !== null) {
    errors.push(
      invalid(
        `${path}.terminationGracePeriodSeconds`,
        probe.terminationGracePeriodSeconds,
        'must not be set for readinessProbes',
      ),
    );
  }
  return errors;
}

/** Liveness and startup probes stop a container at the first success or never: one success counts. */
function validateLiveness(probe: Probe | undefined, path: string): FieldError[] {
  const errors = validateProbe(probe, path);
  if (!probe) return errors;
  if (probe.successThreshold !== 1) {
    errors.push(invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (typeof grace === 'number' && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  return errors;
}

function validateProbe(probe: Probe | undefined, path: string): FieldError[] {
  if (!probe) return [];
  const counts = [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const;
  return [
    ...validateHandler(probe, path, ['exec', 'httpGet', 'tcpSocket', 'grpc']),
    ...counts.flatMap((count) => nonNegative(`${path}.${count}`, probe[count])),
  ];
}

/** Faults of postStart and preStop. */
export function validateLifecycle(lifecycle: Container['lifecycle'], path: string): FieldError[] {
  if (!lifecycle) return [];
  return (['postStart', 'preStop'] as const).flatMap((hook) =>
    lifecycle[hook]
      ? validateHandler(lifecycle[hook], `${path}.${hook}`, ['exec', 'httpGet', 'tcpSocket', 'sleep'])
      : [],
  );
}

function validateHandler(handler: Handler, path: string, types: (keyof Handler)[]): FieldError[] {
  const given = types.filter((type) => handler[type]);
  if (given.length === 0) return [required(path, 'must specify a handler type')];
  const errors = given.slice(1).map((type) => forbidden(`${path}.${type}`, 'may not specify more than 1 handler type'));
  switch (given[0]) {
    case 'exec':
      if (!handler.exec!.command?.length) errors.push(required(`${path}.exec.command`));
      break;
    case 'httpGet':
      errors.push(...validateHttpGet(handler.httpGet!, `${path}.httpGet`));
      break;
    case 'tcpSocket':
      errors.push(...validatePort(handler.tcpSocket!.port, `${path}.tcpSocket.port`));
      break;
    case 'grpc':
      errors.push(...invalidEach(`${path}.grpc.port`, handler.grpc!.port, portNumber(handler.grpc!.port)));
      break;
    default:
      errors.push(...nonNegative(`${path}.sleep.seconds`, handler.sleep?.seconds));
  }
  return errors;
}

function validateHttpGet(action: HttpGet, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!action.path) errors.push(required(`${path}.path`));
  errors.push(...validatePort(action.port, `${path}.port`));
  if (action.scheme !== 'HTTP' && action.scheme !== 'HTTPS') {
    errors.push(notSupported(`${path}.scheme`, action.scheme ?? '', ['HTTP', 'HTTPS']));
  }
  for (const header of action.httpHeaders ?? []) {
    errors.push(...invalidEach(`${path}.httpHeaders`, header.name, httpHeaderName(header.name ?? '')));
  }
  return errors;
}

const validatePort = (port: unknown, path: string): FieldError[] => {
  const value = (port ?? 0) as number | string;
  return invalidEach(path, value, portNumberOrName(value));
};
