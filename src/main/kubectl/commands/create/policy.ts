import { KubectlError } from '../../errors';
import { parseSelectorText } from '../../selector';
import { generator } from './generate';

/** A count, or a share like `50%`. */
const amount = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

export const createPodDisruptionBudget = generator(
  {
    name: 'poddisruptionbudget',
    aliases: ['pdb'],
    summary: 'Create a pod disruption budget with the specified name',
    usage: 'NAME --selector=SELECTOR --min-available=N',
    examples: [['One of them stays', 'kubectl create pdb web --selector=app=web --min-available=1']],
    flags: [
      { name: 'selector', type: 'string', help: 'Labels of the pods it is about.' },
      { name: 'min-available', type: 'string', help: 'How many must stay, or which share.' },
      { name: 'max-unavailable', type: 'string', help: 'How many may be away, or which share.' },
    ],
  },
  ({ flags }, name) => {
    const [selector, least, most] = ['selector', 'min-available', 'max-unavailable'].map((flag) => flags.string(flag));
    if (!selector) throw new KubectlError('a selector must be specified');
    if (!least && !most) throw new KubectlError('one of min-available or max-unavailable must be specified');
    if (least && most) throw new KubectlError('min-available and max-unavailable cannot be both specified');
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: {
        ...(least ? { minAvailable: amount(least) } : { maxUnavailable: amount(most!) }),
        selector: parseSelectorText(selector),
      },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    };
  },
  'poddisruptionbudgets',
);

export const createPriorityClass = generator(
  {
    name: 'priorityclass',
    aliases: ['pc'],
    summary: 'Create a priority class with the specified name',
    usage: 'NAME --value=VALUE --global-default=BOOL',
    examples: [['Before the others', 'kubectl create priorityclass high --value=1000 --description="goes first"']],
    flags: [
      { name: 'value', type: 'int', default: '0', help: 'The priority; the higher goes first.' },
      { name: 'global-default', type: 'bool', default: 'false', help: 'For pods that name no class.' },
      { name: 'description', type: 'string', help: 'When to use it.' },
      {
        name: 'preemption-policy',
        type: 'string',
        default: 'PreemptLowerPriority',
        help: 'PreemptLowerPriority, or Never to push no other pod aside.',
      },
    ],
  },
  ({ flags }, name) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value: flags.int('value'),
    globalDefault: flags.bool('global-default'),
    description: flags.string('description'),
    preemptionPolicy: flags.string('preemption-policy'),
  }),
  'priorityclass',
);
