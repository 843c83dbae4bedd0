import type { Volume } from '@shared/k8s';
import { addedBeyond, badSeccomp } from './baseline';
import { distinct, named, namesOf, quoted, setters, type Check, type Subject } from './check';

const bindService = new Set(['NET_BIND_SERVICE']);
const allowedVolumes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

const isWindows = ({ spec, minor }: Subject): boolean => minor >= 25 && spec.os?.name === 'windows';

/** The controls that the level `restricted` adds: the current practice of hardening. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    find(subject) {
      if (isWindows(subject)) return undefined;
      const names = namesOf(subject, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
      if (names.length === 0) return undefined;
      return {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${named('container', names)} must set securityContext.allowPrivilegeEscalation=false`,
      };
    },
  },
  {
    id: 'capabilities_restricted',
    overrides: 'capabilities_baseline',
    find(subject) {
      if (isWindows(subject)) return undefined;
      const keeping = namesOf(subject, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
      const added = addedBeyond(subject, bindService);
      const details = [
        ...(keeping.length > 0
          ? [`${named('container', keeping)} must set securityContext.capabilities.drop=["ALL"]`]
          : []),
        ...(added ? [added] : []),
      ];
      return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined;
    },
  },
  {
    id: 'restrictedVolumes',
    overrides: 'hostPathVolumes',
    find({ spec }) {
      const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.has(typeOf(volume)));
      if (bad.length === 0) return undefined;
      const types = distinct(bad.map(typeOf));
      const names = bad.map(({ name }) => name);
      const words = `${names.length === 1 ? 'uses' : 'use'} ${named('restricted volume type', types)}`;
      return { reason: 'restricted volume types', detail: `${named('volume', names)} ${words}` };
    },
  },
  {
    id: 'runAsNonRoot',
    find(subject) {
      const own = subject.spec.securityContext?.runAsNonRoot;
      const valueOf = (container: Subject['containers'][number]) => container.securityContext?.runAsNonRoot;
      const reason = 'runAsNonRoot != true';
      const who = setters(
        own === false,
        namesOf(subject, (container) => valueOf(container) === false),
      );
      if (who) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
      const silent = own ? [] : namesOf(subject, (container) => typeof valueOf(container) !== 'boolean');
      if (silent.length === 0) return undefined;
      return { reason, detail: `pod or ${named('container', silent)} must set securityContext.runAsNonRoot=true` };
    },
  },
  {
    id: 'runAsUser',
    find(subject) {
      const containers = namesOf(subject, ({ securityContext }) => securityContext?.runAsUser === 0);
      const who = setters(subject.spec.securityContext?.runAsUser === 0, containers);
      return who ? { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` } : undefined;
    },
  },
  {
    id: 'seccompProfile_restricted',
    overrides: 'seccompProfile_baseline',
    find(subject) {
      if (isWindows(subject)) return undefined;
      const reason = 'seccompProfile';
      const bad = badSeccomp(subject);
      if (bad) return { reason, detail: bad };
      if (subject.spec.securityContext?.seccompProfile?.type) return undefined;
      const silent = namesOf(subject, ({ securityContext }) => !securityContext?.seccompProfile?.type);
      if (silent.length === 0) return undefined;
      const wanted = quoted(['RuntimeDefault', 'Localhost']).replace(', ', ' or ');
      return {
        reason,
        detail: `pod or ${named('container', silent)} must set securityContext.seccompProfile.type to ${wanted}`,
      };
    },
  },
];

/** Of the fields of a volume, the one that says where it comes from. */
const typeOf = (volume: Volume): string =>
  Object.entries(volume).find(([field, value]) => field !== 'name' && value !== undefined && value !== null)?.[0] ??
  'unknown';
