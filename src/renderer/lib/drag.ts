/** Follows the pointer from its press until it is let go; `move` hears every position. */
export function followPointer(press: PointerEvent, move: (event: PointerEvent) => void, end?: () => void): void {
  press.preventDefault();
  const stop = new AbortController();
  const done = (): void => {
    stop.abort();
    end?.();
  };
  window.addEventListener('pointermove', move, { signal: stop.signal });
  window.addEventListener('pointerup', done, { signal: stop.signal });
  window.addEventListener('pointercancel', done, { signal: stop.signal });
}
