import { app } from './en/app';
import { actions } from './en/actions';
import { details } from './en/details';
import { dock } from './en/dock';
import { editor } from './en/editor';
import { kinds } from './en/kinds';

/** Every text of the window, in English: one file per part. */
export const en = { ...app, ...kinds, actions, details, dock, editor };
