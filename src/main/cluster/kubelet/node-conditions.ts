import type { NodePressure } from './admission';

type Pressure = keyof NodePressure;

export interface NodeCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/** What a node says of pressure: the condition, its reasons (also those of events) and its words. */
const pressures: Record<
  Pressure,
  { type: string; under: string; fine: string; words: [string, string]; unseen: string }
> = {
  memory: {
    type: 'MemoryPressure',
    under: 'InsufficientMemory',
    fine: 'SufficientMemory',
    words: ['insufficient memory available', 'sufficient memory available'],
    unseen: 'memory',
  },
  disk: {
    type: 'DiskPressure',
    under: 'DiskPressure',
    fine: 'NoDiskPressure',
    words: ['disk pressure', 'no disk pressure'],
    unseen: 'disk',
  },
  pid: {
    type: 'PIDPressure',
    under: 'InsufficientPID',
    fine: 'SufficientPID',
    words: ['insufficient PID available', 'sufficient PID available'],
    unseen: 'processes',
  },
};

/** @param seen whether a kind of pressure would be noticed: engines on other machines are not looked into */
export function pressureConditions(pressure: NodePressure, seen: (pressure: Pressure) => boolean): NodeCondition[] {
  return (Object.keys(pressures) as Pressure[]).map((name) => {
    const { type, under, fine, words, unseen } = pressures[name];
    const pressed = pressure[name];
    const unknown = `kubelet does not see the ${unseen} of the machine that the container engine runs on`;
    return {
      type,
      status: pressed ? 'True' : 'False',
      reason: `KubeletHas${pressed ? under : fine}`,
      message: seen(name) ? `kubelet has ${words[pressed ? 0 : 1]}` : unknown,
    };
  });
}

/** The reason of the event for a pressure condition that changed. */
export const pressureEvent = ({ reason }: NodeCondition): string => reason.replace('Kubelet', 'Node');
