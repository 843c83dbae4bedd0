import { Duplex } from 'node:stream';

/** Two ends of a connection in memory, with back-pressure and halves that end by themselves. For tests. */
export function duplexPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const waiting: ((() => void) | undefined)[] = [];
  const make = (index: number) =>
    new Duplex({
      read() {
        const done = waiting[1 - index];
        waiting[1 - index] = undefined;
        done?.();
      },
      write(chunk: Buffer, _encoding, done) {
        if (ends[1 - index]!.push(chunk)) setImmediate(done);
        else waiting[index] = done;
      },
      final(done) {
        ends[1 - index]!.push(null);
        done();
      },
      destroy(error, done) {
        setImmediate(() => ends[1 - index]!.destroy());
        done(error);
      },
    });
  ends.push(make(0), make(1));
  return [ends[0]!, ends[1]!];
}
