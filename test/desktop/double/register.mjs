// `node --import …/register.mjs out/main/index.js`: the built main bundle gets the double where it imports Electron.
import { register } from 'node:module';

register('./resolve.mjs', import.meta.url);
