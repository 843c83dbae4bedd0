import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import { parseSelectorText } from '../../selector';
import { generator } from './generate';

interface Rule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

const standardVerbs = new Set(
  '* get list watch create update patch delete deletecollection bind escalate impersonate use approve sign proxy'.split(
    ' ',
  ),
);
const pathVerbs = new Set(['*', 'get', 'put', 'post', 'head', 'options', 'delete', 'patch']);

const unique = (values: readonly string[]): string[] => [...new Set(values)];

function verbsOf(call: CommandCall): string[] {
  const verbs = unique(call.flags.list('verb'));
  return verbs.includes('*') ? ['*'] : verbs;
}

/** `deployments.apps/scale` as what a rule names: its group and `deployments/scale`. @throws KubectlError */
async function ruleResource(call: CommandCall, text: string): Promise<{ group: string; resource: string }> {
  const [named = '', ...subresource] = text.split('/');
  if (!named) throw new KubectlError('resource must be specified if apiGroup/subresource specified');
  const rest = subresource.length > 0 ? `/${subresource.join('/')}` : '';
  if (named === '*') return { group: '*', resource: `*${rest}` };
  const { group, plural } = (await call.session.discovery()).resolve(named);
  return { group, resource: `${plural}${rest}` };
}

/** A rule for each API group that is named. */
async function resourceRules(call: CommandCall, verbs: string[]): Promise<Rule[]> {
  const groups = new Map<string, string[]>();
  for (const text of unique(call.flags.list('resource'))) {
    const { group, resource } = await ruleResource(call, text);
    groups.set(group, unique([...(groups.get(group) ?? []), resource]));
  }
  const names = unique(call.flags.list('resource-name'));
  if (names.length > 0 && [...groups.values()].flat().length > 1)
    throw new KubectlError('resource name(s) can not be applied to multiple resources');
  return [...groups].map(([group, resources]) => ({
    apiGroups: [group],
    resources,
    ...(names.length > 0 ? { resourceNames: names } : {}),
    verbs,
  }));
}

function warnOfVerbs(call: CommandCall, verbs: readonly string[], paths: boolean): void {
  for (const verb of verbs)
    if (!standardVerbs.has(verb) && !(paths && pathVerbs.has(verb)))
      call.err(`Warning: '${verb}' is not a standard resource verb\n`);
}

const ruleFlags = [
  { name: 'verb', type: 'list', help: 'What is allowed: get, list, create …; * for everything.' },
  { name: 'resource', type: 'list', help: 'Resources, as RESOURCE.GROUP/SUBRESOURCE.' },
  { name: 'resource-name', type: 'array', help: 'Only the objects of these names.' },
] as const;

export const createRole = generator(
  {
    name: 'role',
    summary: 'Create a role with single rule',
    usage: 'NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename]',
    examples: [['Reading pods', 'kubectl create role reader --verb=get,list,watch --resource=pods']],
    flags: [...ruleFlags],
  },
  async (call, name) => {
    const verbs = verbsOf(call);
    if (verbs.length === 0) throw new KubectlError('at least one verb must be specified');
    if (call.flags.list('resource').length === 0) throw new KubectlError('at least one resource must be specified');
    warnOfVerbs(call, verbs, false);
    return {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name },
      rules: await resourceRules(call, verbs),
    };
  },
);

/** The rule for paths that belong to no object. @throws KubectlError */
function pathRules(paths: string[], verbs: string[]): Rule[] {
  if (paths.length === 0) return [];
  for (const path of paths) {
    if (path !== '*' && !path.startsWith('/')) throw new KubectlError('nonResourceURL should start with /');
    if (path !== '*' && path.slice(0, -1).includes('*'))
      throw new KubectlError("nonResourceURL only supports wildcard matches when '*' is at the end");
  }
  for (const verb of verbs)
    if (!pathVerbs.has(verb)) throw new KubectlError(`invalid verb '${verb}' for nonResourceURL`);
  return [{ nonResourceURLs: paths, verbs }];
}

export const createClusterRole = generator(
  {
    name: 'clusterrole',
    summary: 'Create a cluster role',
    usage: 'NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--non-resource-url=path]',
    examples: [
      ['Reading nodes', 'kubectl create clusterrole node-reader --verb=get,list --resource=nodes'],
      ['Scraping metrics', 'kubectl create clusterrole scraper --verb=get --non-resource-url=/metrics'],
    ],
    flags: [
      ...ruleFlags,
      { name: 'non-resource-url', type: 'list', help: 'Paths that belong to no object, like /metrics.' },
      { name: 'aggregation-rule', type: 'string', help: 'Labels of the cluster roles that are put together in it.' },
    ],
  },
  async (call, name) => {
    const { flags } = call;
    const head = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name } };
    const verbs = verbsOf(call);
    const paths = unique(flags.list('non-resource-url'));
    const given = ['non-resource-url', 'verb', 'resource', 'resource-name'].filter((flag) => flags.changed(flag));
    if (flags.string('aggregation-rule')) {
      if (given.length > 0) throw new KubectlError(`aggregation rule must be specified without ${given[0]}s`);
      const selector = parseSelectorText(flags.string('aggregation-rule'));
      return { ...head, aggregationRule: { clusterRoleSelectors: [selector] }, rules: [] };
    }
    if (verbs.length === 0) throw new KubectlError('at least one verb must be specified');
    if (flags.list('resource').length === 0 && paths.length === 0)
      throw new KubectlError('one of resource or nonResourceURL must be specified');
    if (flags.list('resource').length > 0) warnOfVerbs(call, verbs, paths.length > 0);
    return { ...head, rules: [...(await resourceRules(call, verbs)), ...pathRules(paths, verbs)] };
  },
);
