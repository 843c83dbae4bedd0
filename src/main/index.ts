import { runDesktop } from './desktop';

runDesktop();
