import { admission } from './admission';
import { app } from './app';
import { actions } from './actions';
import { details } from './details';
import { dock } from './dock';
import { editor } from './editor';
import { forwards } from './forwards';
import { gateway } from './gateway';
import { ingress } from './ingress';
import { kinds } from './kinds';
import { nodes } from './nodes';
import { policy } from './policy';
import { storage } from './storage';

/** Every text of the window, in English: one file per part. */
export const en = {
  ...app,
  ...kinds,
  actions,
  admission,
  details,
  dock,
  editor,
  forwards,
  gateway,
  ingress,
  nodes,
  policy,
  storage,
};
