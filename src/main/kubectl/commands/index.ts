import type { Command } from '../command';
import { apply } from './apply';
import { attach } from './attach';
import { auth } from './auth';
import { autoscale } from './autoscale';
import { certificate } from './certificate';
import { config } from './config';
import { cp } from './cp';
import { create } from './create';
import { debug } from './debug';
import { remove } from './delete';
import { describe } from './describe';
import { diff } from './diff';
import { edit } from './edit';
import { events } from './events';
import { exec } from './exec';
import { explain } from './explain';
import { expose } from './expose';
import { get } from './get';
import { logs } from './logs';
import { annotate, label } from './metadata';
import { cordon, drain, taint, uncordon } from './node';
import { patch } from './patch';
import { portForward } from './port-forward';
import { replace } from './replace';
import { rollout } from './rollout';
import { run } from './run';
import { scale } from './scale';
import { apiResourcesCommand, apiVersionsCommand, clusterInfoCommand, versionCommand } from './server-info';
import { set } from './set';
import { top } from './top';
import { wait } from './wait';

/** The commands as help lists them. */
export const commandGroups: { title: string; commands: Command[] }[] = [
  { title: 'Basic Commands (Beginner)', commands: [create, expose, run, set] },
  { title: 'Basic Commands (Intermediate)', commands: [explain, get, edit, remove] },
  { title: 'Deploy Commands', commands: [rollout, scale, autoscale] },
  {
    title: 'Cluster Management Commands',
    commands: [certificate, clusterInfoCommand, top, cordon, uncordon, drain, taint],
  },
  {
    title: 'Troubleshooting and Debugging Commands',
    commands: [describe, logs, attach, exec, portForward, cp, auth, debug, events],
  },
  { title: 'Advanced Commands', commands: [diff, apply, patch, replace, wait] },
  { title: 'Settings Commands', commands: [label, annotate] },
  { title: 'Other Commands', commands: [apiResourcesCommand, apiVersionsCommand, config, versionCommand] },
];

export const commands: Command[] = commandGroups.flatMap((group) => group.commands);
