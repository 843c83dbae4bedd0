import { state } from './state.mjs';

/** Registered schemes: their privileges and who answers. */
export const protocols = new Map();

export const protocol = {
  registerSchemesAsPrivileged(schemes) {
    if (state.ready) throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
    for (const { scheme, privileges } of schemes) protocols.set(scheme, { privileges });
  },
  handle(scheme, handler) {
    if (!state.ready) throw new Error('protocol.handle can only be used after app is ready');
    const found = protocols.get(scheme);
    if (!found?.privileges.standard || !found.privileges.secure)
      throw new Error(`the scheme ${scheme} is not standard and secure`);
    if (found.handler) throw new Error(`the scheme ${scheme} is handled already`);
    found.handler = handler;
  },
};
