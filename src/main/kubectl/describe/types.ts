import type { Event, KubeObject } from '@shared/k8s';
import type { Mapping } from '../discovery';
import type { Session } from '../session';
import type { Lines } from './lines';

/** What a description is made from. */
export interface DescribeCall<T extends KubeObject = KubeObject> {
  lines: Lines;
  object: T;
  mapping: Mapping;
  /** The events about the object, unless they are not wanted: then there are none and `showEvents` is off. */
  events: Event[];
  showEvents: boolean;
  session: Session;
  /** ms since the epoch. */
  now: number;
  /** How long ago a time stamp was. */
  age(time: string | undefined): string;
}

/** Adds the description of one object. */
export type Describe<T extends KubeObject = any> = (call: DescribeCall<T>) => void | Promise<void>;
