/** Whether a host, or a wildcard, is within another; `undefined` is every host. A wildcard stands for one label or more. */
function within(host: string, other: string | undefined): boolean {
  if (other === undefined || host === other) return true;
  return other.startsWith('*.') && host.endsWith(other.slice(1));
}

/** The hosts of a route that a listener lets through: the more specific of both. Empty when there is none; `''` is every host. */
export function sharedHostnames(listener: string | undefined, route: readonly string[] | undefined): string[] {
  if (!route?.length) return [listener ?? ''];
  const shared = route.flatMap((host) => {
    if (within(host, listener)) return [host];
    return listener !== undefined && within(listener, host) ? [listener] : [];
  });
  return [...new Set(shared)];
}
