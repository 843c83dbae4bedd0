import { expect, it } from 'vitest';
import { faults } from '../../testing';

const container = { name: 'a', image: 'nginx' };
const podFaults = (spec: object): string[] =>
  faults('Pod', { metadata: { name: 'p' }, spec: { containers: [container], ...spec } });
const containerFaults = (more: object): string[] => podFaults({ containers: [{ ...container, ...more }] });

it('checks what a pod may do', () => {
  const context = {
    fsGroup: -5,
    supplementalGroups: [1, -1],
    sysctls: [
      { name: 'a b', value: '1' },
      { name: 'net.x', value: '1' },
      { name: 'net.x', value: '2' },
    ],
    seccompProfile: { type: 'Localhost' },
  };
  const range = 'must be between 0 and 2147483647, inclusive';
  expect(podFaults({ hostPID: true, shareProcessNamespace: true, securityContext: context })).toEqual([
    'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    `spec.securityContext.fsGroup: Invalid value: -5: ${range}`,
    `spec.securityContext.supplementalGroups[1]: Invalid value: -1: ${range}`,
    'spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 characters and match regex ([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?',
    'spec.securityContext.sysctls[2].name: Duplicate value: "net.x"',
    'spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
  ]);
  const seccompProfile = { type: 'RuntimeDefault', localhostProfile: 'x' };
  expect(containerFaults({ securityContext: { seccompProfile } })).toEqual([
    'spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: "x": can only be set when seccomp type is Localhost',
  ]);
  expect(podFaults({ securityContext: { fsGroup: 0, sysctls: [{ name: 'net/ipv4/x', value: '1' }] } })).toEqual([]);
});

it('gives devices and huge pages whole', () => {
  const at = 'spec.containers[0].resources';
  expect(containerFaults({ resources: { limits: { 'ex.com/gpu': '500m' } } })).toContain(
    `${at}.limits[ex.com/gpu]: Invalid value: "500m": must be an integer`,
  );
  expect(containerFaults({ resources: { requests: { 'ex.com/gpu': '1' } } })).toEqual([
    `${at}.limits: Required value: Limit must be set for non overcommitable resources`,
  ]);
  const pages = { 'hugepages-2Mi': '2Mi' };
  expect(containerFaults({ resources: { requests: pages, limits: pages } })).toEqual([
    `${at}: Forbidden: HugePages require cpu or memory`,
  ]);
  const more = { ...pages, memory: '1Gi', 'ex.com/gpu': '2' };
  expect(containerFaults({ resources: { requests: more, limits: more } })).toEqual([]);
});

it('checks devices and how containers are resized', () => {
  const at = 'spec.containers[0].volumeDevices';
  const volumes = [
    { name: 'disk', persistentVolumeClaim: { claimName: 'c' } },
    { name: 'scratch', emptyDir: {} },
  ];
  const given = (volumeDevices: object[]) => podFaults({ volumes, containers: [{ ...container, volumeDevices }] });
  expect(given([{ name: 'disk', devicePath: '/dev/x' }])).toEqual([]);
  expect(
    given([
      { name: 'none', devicePath: '/dev/x' },
      { name: 'scratch', devicePath: '/dev/x' },
      { name: 'disk', devicePath: '' },
    ]),
  ).toEqual([
    `${at}[0].name: Not found: "none"`,
    `${at}[1].name: Invalid value: "scratch": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
    `${at}[1].devicePath: Invalid value: "/dev/x": must be unique`,
    `${at}[2].devicePath: Required value`,
  ]);
  expect(containerFaults({ resizePolicy: [{ resourceName: 'foo', restartPolicy: 'NotRequired' }] })).toEqual([
    'spec.containers[0].resizePolicy[0].resourceName: Unsupported value: "foo": supported values: "cpu", "memory"',
  ]);
});

it('checks gates, spreading, systems and further volumes', () => {
  const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} };
  expect(podFaults({ topologySpreadConstraints: [constraint, constraint] })).toEqual([
    'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, DoNotSchedule}"',
  ]);
  expect(podFaults({ schedulingGates: [{ name: 'a' }, { name: 'a' }] })).toEqual([
    'spec.schedulingGates[1]: Duplicate value: "a"',
  ]);
  expect(podFaults({ readinessGates: [{ conditionType: 'a b' }] }).join()).toMatch(
    /^spec\.readinessGates\[0\]\.conditionType: Invalid value: "a b"/,
  );
  expect(podFaults({ os: { name: 'beos' } })).toEqual([
    'spec.os.name: Unsupported value: "beos": supported values: "linux", "windows"',
  ]);
  const volumes = [
    { name: 'a', ephemeral: {} },
    { name: 'b', nfs: { path: 'x' } },
    { name: 'c', csi: { driver: '' } },
  ];
  expect(podFaults({ volumes })).toEqual([
    'spec.volumes[0].ephemeral.volumeClaimTemplate: Required value',
    'spec.volumes[1].nfs.server: Required value',
    'spec.volumes[1].nfs.path: Invalid value: "x": must be an absolute path',
    'spec.volumes[2].csi.driver: Required value',
  ]);
});
