import { describe, expect, it } from 'vitest';
import { fieldErrorMessage } from './errors';
import { created, faults, kindOf, updateFaults } from './testing';
import { validateName, validateNamespace, validateObjectMeta, validateObjectMetaUpdate } from './validation/meta';

const words = (errors: any[]): string[] => errors.map(fieldErrorMessage);
const container = { name: 'a', image: 'nginx' };
const podFaults = (spec: object): string[] =>
  faults('Pod', { metadata: { name: 'p' }, spec: { containers: [container], ...spec } });
const containerFaults = (more: object): string[] => podFaults({ containers: [{ ...container, ...more }] });

const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

describe('metadata', () => {
  it('refuses names in the words of Kubernetes', () => {
    expect(words(validateName('My_Pod'))).toEqual([`metadata.name: Invalid value: "My_Pod": ${subdomainRule}`]);
    expect(words(validateName('a'.repeat(254)))).toEqual([
      `metadata.name: Invalid value: "${'a'.repeat(254)}": must be no more than 253 bytes`,
    ]);
    expect(words(validateName('a.b', kindOf('Namespace')))).toEqual([
      `metadata.name: Invalid value: "a.b": ${labelRule}`,
    ]);
    expect(words(validateName('1a', kindOf('Service')))[0]).toContain('a DNS-1035 label must consist of');
    expect(validateName('web-1.example')).toEqual([]);
    expect(words(validateNamespace('-'))).toEqual([`metadata.namespace: Invalid value: "-": ${labelRule}`]);
  });

  it('needs a name, and a namespace only where there is one', () => {
    expect(words(validateObjectMeta({ namespace: 'x' }, { namespaced: true }))).toEqual([
      'metadata.name: Required value: name or generateName is required',
    ]);
    expect(words(validateObjectMeta({ name: 'x' }, { namespaced: true }))).toEqual([
      'metadata.namespace: Required value',
    ]);
    expect(words(validateObjectMeta({ name: 'x', namespace: 'y' }, { namespaced: false }))).toEqual([
      'metadata.namespace: Forbidden: not allowed on this type',
    ]);
  });

  it('checks labels and annotations', () => {
    const labels = { 'bad key': 'a b', 'example.com/ok': 'v' };
    const [key, value, ...rest] = words(validateObjectMeta({ name: 'x', labels }, { namespaced: false }));
    expect(key).toBe(
      "metadata.labels: Invalid value: \"bad key\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    );
    expect(value).toContain(
      'metadata.labels: Invalid value: "a b": a valid label must be an empty string or consist of',
    );
    expect(rest).toEqual([]);
    const annotations = { 'Example.COM/any': 'x'.repeat(262_144) };
    expect(words(validateObjectMeta({ name: 'x', annotations }, { namespaced: false }))).toEqual([
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });

  it('allows one controlling owner', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', uid: 'u', controller: true };
    const ownerReferences = [
      { ...owner, name: 'a' },
      { ...owner, name: 'b' },
    ];
    expect(words(validateObjectMeta({ name: 'x', ownerReferences }, { namespaced: false }))[0]).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for ReplicaSet/a and ReplicaSet/b',
    );
  });

  it('keeps identity and adds no finalizer to what is being deleted', () => {
    const old = { name: 'x', uid: '1', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a.b/c'] };
    expect(words(validateObjectMetaUpdate({ ...old, uid: '2', finalizers: ['a.b/c', 'd.e/f'] }, old))).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
      'metadata.uid: Invalid value: "2": field is immutable',
    ]);
    expect(validateObjectMetaUpdate({ ...old, finalizers: [] }, old)).toEqual([]);
  });
});

describe('pods', () => {
  it('accepts an ordinary one', () => expect(podFaults({})).toEqual([]));

  it('needs containers with names and images', () => {
    expect(podFaults({ containers: [] })).toEqual(['spec.containers: Required value']);
    expect(podFaults({ containers: [{}] })).toEqual([
      'spec.containers[0].name: Required value',
      'spec.containers[0].image: Required value',
    ]);
    expect(podFaults({ containers: [container, container] })).toEqual([
      'spec.containers[1].name: Duplicate value: "a"',
    ]);
    expect(containerFaults({ name: 'A' })).toEqual([`spec.containers[0].name: Invalid value: "A": ${labelRule}`]);
    expect(containerFaults({ image: ' nginx' })).toEqual([
      'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace',
    ]);
  });

  it('checks ports', () => {
    expect(
      containerFaults({ ports: [{ containerPort: 70_000, protocol: 'tcp', name: 'Bad_Name_That_Is_Long' }] }),
    ).toEqual([
      'spec.containers[0].ports[0].name: Invalid value: "Bad_Name_That_Is_Long": must be no more than 15 characters',
      'spec.containers[0].ports[0].name: Invalid value: "Bad_Name_That_Is_Long": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"',
    ]);
    const ports = [
      { containerPort: 80, hostPort: 80 },
      { containerPort: 81, hostPort: 80 },
    ];
    expect(containerFaults({ ports })).toEqual(['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"']);
  });

  it('checks env', () => {
    expect(
      containerFaults({
        env: [
          { name: 'a=b' },
          {},
          { name: 'X', valueFrom: {} },
          { name: 'Y', value: 'y', valueFrom: { secretKeyRef: { name: 's', key: '..' } } },
        ],
      }),
    ).toEqual([
      'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
      'spec.containers[0].env[1].name: Required value',
      'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      'spec.containers[0].env[3].valueFrom.secretKeyRef.key: Invalid value: "..": must not be \'..\'',
      'spec.containers[0].env[3].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ]);
    expect(containerFaults({ envFrom: [{}] })).toEqual([
      'spec.containers[0].envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    ]);
    const fieldRef = (fieldPath: string): string[] =>
      containerFaults({ env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] });
    expect(fieldRef("metadata.labels['app']")).toEqual([]);
    expect(fieldRef('status.podIP')).toEqual([]);
    expect(fieldRef('spec.nope')[0]).toContain('error converting fieldPath: field label not supported: spec.nope');
    expect(fieldRef('status.phase')[0]).toContain('Unsupported value: "status.phase"');
  });

  it('checks volumes and that mounts name them', () => {
    expect(
      containerFaults({
        volumeMounts: [
          { name: 'nope', mountPath: '/x' },
          { name: 'nope', mountPath: '/x' },
        ],
      }),
    ).toEqual([
      'spec.containers[0].volumeMounts[0].name: Not found: "nope"',
      'spec.containers[0].volumeMounts[1].name: Not found: "nope"',
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
    ]);
    expect(
      podFaults({
        volumes: [
          { name: 'v', emptyDir: {}, hostPath: { path: '/x' } },
          { name: 'v', secret: { items: [{ key: 'k', path: '../k' }] } },
        ],
      }),
    ).toEqual([
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
      'spec.volumes[1].name: Duplicate value: "v"',
      'spec.volumes[1].secret.secretName: Required value',
      'spec.volumes[1].secret.items[0].path: Invalid value: "../k": must not contain \'..\'',
    ]);
  });

  it('checks probes', () => {
    expect(
      containerFaults({ livenessProbe: {}, readinessProbe: { exec: { command: ['x'] }, periodSeconds: -1 } }),
    ).toEqual([
      'spec.containers[0].livenessProbe: Required value: must specify a handler type',
      'spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0',
    ]);
    expect(containerFaults({ livenessProbe: { tcpSocket: { port: 0 }, successThreshold: 2 } })).toEqual([
      'spec.containers[0].livenessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ]);
    expect(
      podFaults({ initContainers: [{ name: 'i', image: 'x', livenessProbe: { exec: { command: ['x'] } } }] }),
    ).toEqual([
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ]);
  });

  it('checks resources', () => {
    const resources = { limits: { cpu: '1' }, requests: { cpu: '1500m', memory: 'x', foo: '1' } };
    expect(containerFaults({ resources })).toEqual([
      'spec.containers[0].resources.requests: Invalid value: "1500m": must be less than or equal to cpu limit of 1',
      'spec.containers[0].resources.requests[memory]: Invalid value: "x": quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
      'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource for containers',
      'spec.containers[0].resources.requests[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
    ]);
    expect(containerFaults({ resources: { limits: { memory: '-1' }, requests: { memory: '-1' } } })[0]).toBe(
      'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
    );
  });

  it('checks policies, placement and names', () => {
    expect(podFaults({ restartPolicy: 'Sometimes' })).toEqual([
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
    ]);
    expect(podFaults({ tolerations: [{ value: 'x', effect: 'NoExecute' }] })).toEqual([
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ]);
    expect(podFaults({ hostname: 'Big' })).toEqual([`spec.hostname: Invalid value: "Big": ${labelRule}`]);
    expect(podFaults({ dnsPolicy: 'None' })).toEqual([
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
    ]);
  });

  it('change in little once they are created', () => {
    const old = created('Pod', { metadata: { name: 'p' }, spec: { containers: [container] } });
    expect(updateFaults('Pod', old, (pod) => (pod.spec.containers[0].image = 'nginx:2'))).toEqual([]);
    expect(updateFaults('Pod', old, (pod) => pod.spec.tolerations.push({ key: 'x', operator: 'Exists' }))).toEqual([]);
    expect(updateFaults('Pod', old, (pod) => pod.spec.containers.push({ name: 'b', image: 'x' }))).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
    expect(updateFaults('Pod', old, (pod) => (pod.spec.nodeName = 'n'))).toEqual([
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n+ spec.nodeName: "n"',
    ]);
  });
});

describe('deployments', () => {
  const spec = {
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
  };
  const deploymentFaults = (more: object): string[] =>
    faults('Deployment', { metadata: { name: 'd' }, spec: { ...spec, ...more } });

  it('need a selector that matches the template', () => {
    expect(deploymentFaults({})).toEqual([]);
    expect(deploymentFaults({ selector: undefined })).toEqual(['spec.selector: Required value']);
    expect(deploymentFaults({ selector: {} })).toEqual([
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ]);
    expect(deploymentFaults({ selector: { matchLabels: { app: 'other' } } })).toEqual([
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ]);
  });

  it('name faults of the template by their whole path', () => {
    expect(
      deploymentFaults({
        template: { ...spec.template, spec: { containers: [{ name: 'a' }], restartPolicy: 'Never' } },
      }),
    ).toEqual([
      'spec.template.spec.containers[0].image: Required value',
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]);
  });

  it('need a strategy that can move', () => {
    const rolling = (maxUnavailable: unknown, maxSurge: unknown): string[] =>
      deploymentFaults({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } } });
    expect(rolling(0, '0%')).toEqual([
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ]);
    expect(rolling('120%', 1)).toEqual([
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "120%": must not be greater than 100%',
    ]);
    expect(rolling('half', 1)[0]).toContain(
      "a valid percent string must be a numeric string followed by an ending '%'",
    );
    expect(deploymentFaults({ strategy: { type: 'Blue' } })).toEqual([
      'spec.strategy.type: Unsupported value: "Blue": supported values: "Recreate", "RollingUpdate"',
    ]);
    expect(deploymentFaults({ strategy: { type: 'Recreate', rollingUpdate: {} } })).toEqual([
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ]);
  });

  it('keep their selector and count forwards', () => {
    const old = created('Deployment', { metadata: { name: 'd' }, spec });
    expect(updateFaults('Deployment', old, (draft) => (draft.spec.selector.matchLabels.app = 'x'))).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable',
    ]);
    expect(deploymentFaults({ replicas: -1 })).toEqual([
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ]);
    expect(deploymentFaults({ progressDeadlineSeconds: 5, minReadySeconds: 5 })).toEqual([
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ]);
  });
});

describe('services', () => {
  const serviceFaults = (spec: object): string[] => faults('Service', { metadata: { name: 's' }, spec });

  it('need ports, named when there are several', () => {
    expect(serviceFaults({})).toEqual(['spec.ports: Required value']);
    expect(serviceFaults({ clusterIP: 'None' })).toEqual([]);
    expect(serviceFaults({ ports: [{ port: 80 }, { port: 80, name: 'b' }] })).toEqual([
      'spec.ports[0].name: Required value',
      'spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}',
    ]);
    expect(serviceFaults({ ports: [{ port: 0, targetPort: 'no_good', protocol: 'X' }] })).toEqual([
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      'spec.ports[0].targetPort: Invalid value: "no_good": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ]);
  });

  it('take ranges, families and protocols that are some', () => {
    const range = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
    const ports = [{ port: 80, appProtocol: 'a b' }];
    expect(serviceFaults({ ports, loadBalancerSourceRanges: ['x'], ipFamilyPolicy: 'Odd' })).toEqual([
      expect.stringMatching(/^spec\.ports\[0\]\.appProtocol: Invalid value: "a b": name part must consist of/),
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      `spec.LoadBalancerSourceRanges[0]: Invalid value: "x": ${range}`,
      'spec.ipFamilyPolicy: Unsupported value: "Odd": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ]);
  });

  it('have node ports and names by their type', () => {
    expect(serviceFaults({ ports: [{ port: 80, nodePort: 30000 }] })).toEqual([
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ]);
    expect(serviceFaults({ type: 'ExternalName' })).toEqual(['spec.externalName: Required value']);
    expect(serviceFaults({ type: 'Odd', ports: [{ port: 80 }] })).toEqual([
      'spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ]);
  });

  it('keep their address', () => {
    const old = created('Service', {
      metadata: { name: 's' },
      spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    });
    expect(
      updateFaults('Service', old, (draft) =>
        Object.assign(draft.spec, { clusterIP: '10.96.0.6', clusterIPs: ['10.96.0.6'] }),
      ),
    ).toEqual(['spec.clusterIPs[0]: Invalid value: "10.96.0.6": may not change once set']);
    expect(updateFaults('Service', old, (draft) => delete draft.spec.clusterIP)).toEqual([]);
  });
});

describe('config maps and secrets', () => {
  it('have keys that can be file names, and 1 MiB', () => {
    expect(faults('ConfigMap', { metadata: { name: 'c' }, data: { 'a b': '' } })).toEqual([
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ]);
    expect(faults('ConfigMap', { metadata: { name: 'c' }, data: { a: 'x'.repeat(1_048_577) } })).toEqual([
      '[]: Too long: may not be more than 1048576 bytes',
    ]);
    const data = { a: Buffer.alloc(1_048_577).toString('base64') };
    expect(faults('Secret', { metadata: { name: 's' }, data })).toEqual([
      'data: Too long: may not be more than 1048576 bytes',
    ]);
  });

  it('hold what their type promises', () => {
    expect(faults('Secret', { metadata: { name: 's' }, type: 'kubernetes.io/tls', data: { 'tls.crt': '' } })).toEqual([
      'data[tls.key]: Required value',
    ]);
    const data = { '.dockerconfigjson': Buffer.from('{').toString('base64') };
    expect(faults('Secret', { metadata: { name: 's' }, type: 'kubernetes.io/dockerconfigjson', data })[0]).toContain(
      'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>"',
    );
  });

  it('stay as they are when they say so', () => {
    const old = created('ConfigMap', { metadata: { name: 'c' }, data: { a: '1' }, immutable: true });
    expect(updateFaults('ConfigMap', old, (draft) => (draft.data.a = '2'))).toEqual([
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(updateFaults('ConfigMap', old, (draft) => (draft.immutable = false))).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(updateFaults('ConfigMap', old, (draft) => (draft.metadata.labels = { a: 'b' }))).toEqual([]);
    const secret = created('Secret', { metadata: { name: 's' } });
    expect(updateFaults('Secret', secret, (draft) => (draft.type = 'x'))).toEqual([
      'type: Invalid value: "x": field is immutable',
    ]);
  });
});

describe('other kinds', () => {
  it('take ranges within ranges, whole counts and sources that are claims', () => {
    const except = ['10.1.0.0/16', '10.0.0.0/8', '11.0.0.0/16', 'fd00::/16'];
    const peers = [{ ipBlock: { cidr: '10.0.0.0/8', except } }];
    const policy = { metadata: { name: 'n' }, spec: { podSelector: {}, ingress: [{ from: peers }] } };
    expect(faults('NetworkPolicy', policy)).toEqual(
      [1, 2, 3].map(
        (index) =>
          `spec.ingress[0].from[0].ipBlock.except[${index}]: Invalid value: "${except[index]}": must be a strict subset of \`cidr\``,
      ),
    );
    const hard = { pods: '1.5', 'count/jobs.batch': '2', 'requests.cpu': '1.5' };
    expect(faults('ResourceQuota', { metadata: { name: 'q' }, spec: { hard } })).toEqual([
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
    ]);
    const claim = {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      dataSource: { kind: 'Odd' },
    };
    expect(faults('PersistentVolumeClaim', { metadata: { name: 'c' }, spec: claim })).toEqual([
      'spec.dataSource.name: Required value',
      'spec.dataSource: Invalid value: "Odd": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
    ]);
    const template = { spec: { restartPolicy: 'Never', containers: [container] } };
    expect(
      faults('Job', { metadata: { name: 'j', uid: 'u' }, spec: { template, successPolicy: { rules: [] } } }),
    ).toContain('spec.successPolicy: Invalid value: {"rules":[]}: requires indexed completion mode');
  });

  it('are checked too', () => {
    const taints = [
      { key: 'a', effect: 'NoSchedule' },
      { key: 'a', effect: 'NoSchedule' },
      { key: 'b', effect: 'Odd' },
    ];
    expect(faults('Node', { metadata: { name: 'n' }, spec: { taints } })).toEqual([
      'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
      'spec.taints[2].effect: Unsupported value: "Odd": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ]);
    expect(faults('Lease', { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 0 } })).toEqual([
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ]);
    expect(
      faults('EndpointSlice', { metadata: { name: 'e' }, addressType: 'IPv4', endpoints: [{ addresses: ['x'] }] }),
    ).toEqual([
      'endpoints[0].addresses[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
    expect(faults('Endpoints', { metadata: { name: 'e' }, subsets: [{}] })).toEqual([
      'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
    ]);
    expect(faults('Event', { metadata: { name: 'e', namespace: 'a' }, involvedObject: { namespace: 'b' } })).toEqual([
      'involvedObject.namespace: Invalid value: "b": does not match event.namespace',
    ]);
    expect(faults('ControllerRevision', { metadata: { name: 'r' }, revision: -1 })).toEqual([
      'data: Required value: data is mandatory',
      'revision: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
});
