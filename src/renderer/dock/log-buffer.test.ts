import { expect, test } from 'vitest';
import { LogBuffer, matchingLines, pieces, searchPattern } from './log-buffer';

const line = (text: string, pod = 'web-1') => ({ text, pod, container: 'app' });

test('keeps the last lines only, and says that others were dropped', () => {
  const buffer = new LogBuffer(100);
  for (let index = 0; index < 50; index++)
    buffer.append([line(`a${index}`), line(`b${index}`), line(`c${index}`)], false);
  expect(buffer.lines.length).toBeLessThanOrEqual(110);
  expect(buffer.lines.at(-1)).toMatchObject({ id: 150, text: 'c49' });
  expect(buffer.dropped).toBe(true);
});

test('takes terminal control sequences out and names the source of merged lines', () => {
  const buffer = new LogBuffer(10);
  buffer.append([line('\u001B[31mred\u001B[0m done\r')], true);
  expect(buffer.lines[0]).toMatchObject({ text: 'red done', source: 'web-1 app' });
});

test('search: a pattern, none, and a broken one', () => {
  expect(searchPattern('')).toBeUndefined();
  expect(searchPattern('(')).toBeNull();
  const pattern = searchPattern('err(or)?')!;
  expect(
    matchingLines(
      [
        { id: 1, source: '', text: 'ERROR x' },
        { id: 2, source: '', text: 'fine' },
      ],
      pattern,
    ),
  ).toEqual([0]);
  expect(pieces('an error, an Err', pattern)).toEqual([
    { text: 'an ', match: false },
    { text: 'error', match: true },
    { text: ', an ', match: false },
    { text: 'Err', match: true },
  ]);
});
