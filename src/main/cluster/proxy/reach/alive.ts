import type { Clock, Timer } from '../../clock';
import type { Tunnel } from './tunnel';

const everyMs = 15_000;
const answerMs = 5_000;

/** Ends a tunnel that answers no more: after a machine slept, its connection may be gone without anybody having said so. */
export function endWhenSilent(tunnel: Tunnel, clock: Clock): void {
  let timer: Timer;
  let over = false;
  const wait = (): void => {
    timer = clock.setTimeout(ask, everyMs);
  };
  const ask = (): void => {
    timer = clock.setTimeout(() => tunnel.close(), answerMs);
    void tunnel.ping().then(() => {
      timer.cancel();
      if (!over) wait();
    });
  };
  wait();
  void tunnel.closed.then(() => {
    over = true;
    timer.cancel();
  });
}
