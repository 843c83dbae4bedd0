import type { Container, KubeObject, PodSpec } from '@shared/k8s';
import { dryRunOf, forEachTarget, patchTarget, ResultPrinter } from '../actions';
import {
  dryRunFlag,
  fieldManagerFlag,
  filenameFlags,
  printFlags,
  selectorFlag,
  type Command,
  type CommandCall,
} from '../command';
import { KubectlError, throwAll } from '../errors';
import type { Flag } from '../flags';
import { fetchTargets, selectTargets, type Target } from '../resources';

/** The pod spec in an object, and how a patch reaches it. */
export function podSpecOf(object: KubeObject): { spec: PodSpec; wrap: (spec: object) => object } | undefined {
  if (object.kind === 'Pod') return { spec: object.spec, wrap: (spec) => ({ spec }) };
  if (object.kind === 'CronJob') {
    return {
      spec: object.spec.jobTemplate.spec.template.spec,
      wrap: (spec) => ({ spec: { jobTemplate: { spec: { template: { spec } } } } }),
    };
  }
  const spec = object.spec?.template?.spec as PodSpec | undefined;
  return spec?.containers ? { spec, wrap: (inner) => ({ spec: { template: { spec: inner } } }) } : undefined;
}

const setFlags: Flag[] = [
  ...filenameFlags,
  selectorFlag,
  { name: 'all', type: 'bool', default: 'false', help: 'All objects of the types, in the namespace.' },
  { name: 'local', type: 'bool', default: 'false', help: 'Not supported by this command line.' },
  dryRunFlag,
  fieldManagerFlag('kubectl-set'),
  ...printFlags,
];

type Change = (container: Container) => object | undefined;

/** Patches containers of the selected objects; `change` gives the fields that are to differ. */
async function changeContainers(
  call: CommandCall,
  args: string[],
  what: string,
  change: (spec: PodSpec) => Change,
): Promise<void> {
  const dryRun = dryRunOf(call);
  const targets = await selectTargets(call, { args });
  const printer = await ResultPrinter.create(call, dryRun);
  const { found, errors } = await fetchTargets(
    call.session,
    targets.map((target) => ({ ...target, object: undefined })),
  );
  const more = await forEachTarget(found, async (target: Target & { object: KubeObject }) => {
    const pod = podSpecOf(target.object);
    if (!pod) throw new KubectlError(`${target.mapping.plural}/${target.name} does not have a pod template`);
    const apply = change(pod.spec);
    const patched = (list: Container[] | undefined): object[] =>
      (list ?? []).flatMap((container) => {
        const fields = apply(container);
        return fields ? [{ name: container.name, ...fields }] : [];
      });
    const containers = patched(pod.spec.containers);
    const initContainers = patched(pod.spec.initContainers);
    // Nothing to change is nothing to say.
    if (containers.length + initContainers.length === 0) return;
    const spec = {
      ...(containers.length > 0 ? { containers } : {}),
      ...(initContainers.length > 0 ? { initContainers } : {}),
    };
    const object = dryRun === 'client' ? target.object : await patchTarget(call, target, pod.wrap(spec), { dryRun });
    printer.done(target, `${what} updated`, object);
  });
  throwAll([...errors, ...more]);
}

/** Splits `TYPE NAME key=value…` into what is named and what is to be set. */
function splitPairs(args: readonly string[]): { resources: string[]; pairs: [string, string][] } {
  const resources: string[] = [];
  const pairs: [string, string][] = [];
  for (const argument of args) {
    const equals = argument.indexOf('=');
    if (equals > 0) pairs.push([argument.slice(0, equals), argument.slice(equals + 1)]);
    else resources.push(argument);
  }
  return { resources, pairs };
}

async function setImage(call: CommandCall): Promise<void> {
  const { resources, pairs } = splitPairs(call.args);
  if (resources.length === 0 && call.flags.list('filename').length === 0)
    return void (await selectTargets(call, { args: [] }));
  if (pairs.length === 0) throw new KubectlError('at least one image update is required');
  const images = new Map(pairs);
  if (images.has('*') && images.size > 1)
    throw new KubectlError(
      'all containers are already specified by *, but saw more than one container_name=container_image pairs',
    );
  await changeContainers(call, resources, 'image', (spec) => {
    const names = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.name);
    for (const name of images.keys()) {
      if (name !== '*' && !names.includes(name))
        throw new KubectlError(`unable to find container named ${JSON.stringify(name)}`);
    }
    return (container) => {
      const image = images.get(container.name) ?? images.get('*');
      return image === undefined || image === container.image ? undefined : { image };
    };
  });
}

async function setEnv(call: CommandCall): Promise<void> {
  const { resources, pairs } = splitPairs(call.args);
  const removed = resources
    .filter((argument) => /^\w[\w.-]*-$/.test(argument))
    .map((argument) => argument.slice(0, -1));
  const named = resources.filter((argument) => !/^\w[\w.-]*-$/.test(argument));
  if (pairs.length + removed.length === 0) throw new KubectlError('at least one environment variable must be provided');
  const only = call.flags.string('containers');
  await changeContainers(call, named, 'env', () => (container) => {
    if (only !== '*' && only !== container.name) return undefined;
    const current = container.env ?? [];
    const set = pairs.filter(([name, value]) => !current.some((env) => env.name === name && env.value === value));
    const gone = removed.filter((name) => current.some((env) => env.name === name));
    if (set.length + gone.length === 0) return undefined;
    return {
      env: [
        ...set.map(([name, value]) => ({ name, value, valueFrom: null })),
        ...gone.map((name) => ({ name, $patch: 'delete' })),
      ],
    };
  });
}

async function setResources(call: CommandCall): Promise<void> {
  const amounts = (flag: string): Record<string, string> => Object.fromEntries(splitPairs(call.flags.list(flag)).pairs);
  const limits = amounts('limits');
  const requests = amounts('requests');
  if (Object.keys(limits).length + Object.keys(requests).length === 0) {
    throw new KubectlError('you must specify an update to requests or limits (in the form of --requests/--limits)');
  }
  const only = call.flags.string('containers');
  await changeContainers(
    call,
    call.args,
    'resource requirements',
    () => (container) =>
      only === '*' || only === container.name
        ? {
            resources: {
              ...(Object.keys(limits).length > 0 ? { limits } : {}),
              ...(Object.keys(requests).length > 0 ? { requests } : {}),
            },
          }
        : undefined,
  );
}

const containersFlag: Flag = {
  name: 'containers',
  short: 'c',
  type: 'string',
  default: '*',
  help: 'The container to change; * for all.',
};

export const set: Command = {
  name: 'set',
  summary: 'Set specific features on objects',
  subcommands: [
    {
      name: 'image',
      summary: 'Update the image of a pod template',
      usage: '(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N',
      examples: [['Another image for the container web', 'kubectl set image deployment/web web=nginx:1.27']],
      flags: setFlags,
      run: setImage,
    },
    {
      name: 'env',
      summary: 'Update environment variables on a pod template',
      usage: 'RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N',
      examples: [['Set one variable, remove another', 'kubectl set env deployment/web MODE=dark OLD-']],
      flags: [...setFlags, containersFlag],
      run: setEnv,
    },
    {
      name: 'resources',
      summary: 'Update resource requests/limits on objects with pod templates',
      usage: '(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS]',
      examples: [['Limit CPU and memory', 'kubectl set resources deployment web --limits=cpu=200m,memory=128Mi']],
      flags: [
        ...setFlags,
        containersFlag,
        { name: 'limits', type: 'list', help: 'cpu=200m,memory=512Mi.' },
        { name: 'requests', type: 'list', help: 'cpu=100m,memory=256Mi.' },
      ],
      run: setResources,
    },
  ],
};
