/** What the test hears of the app: pages handed to the browser, error boxes, broken rules. */
export function report(event, fields = {}) {
  process.send?.({ event, ...fields });
}

/** A value as it arrives at the other side of Electron's IPC. Throws as Electron does for what cannot be cloned. */
export function cloned(value) {
  const copy = structuredClone(value);
  // The double carries values as JSON: whatever JSON would change must not be sent at all.
  const text = JSON.stringify(copy);
  if (text === undefined ? copy !== undefined : !same(copy, JSON.parse(text))) {
    report('problem', { message: `a value on the IPC is not a JSON value: ${String(text).slice(0, 200)}` });
  }
  return copy;
}

function same(a, b) {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b) || a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (!Array.isArray(a) && Object.getPrototypeOf(a) !== Object.prototype) return false;
  const keys = Object.keys(a).filter((key) => a[key] !== undefined);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/** Throws by name for what the double does not have, so that nothing of Electron is missing in silence. */
export function only(name, object) {
  return new Proxy(object, {
    get(target, key) {
      if (!(key in target) && typeof key === 'string' && key !== 'then' && !key.startsWith('_')) {
        throw new Error(`the double of electron has no ${name}.${key}`);
      }
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
