/** The number of single-letter edits between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1]!.toLowerCase() === b[j - 1]!.toLowerCase() ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, change);
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known words a mistyped one may have meant. */
export function suggestions(word: string, known: readonly string[]): string[] {
  return known.filter((name) => distance(word, name) <= 2 || name.toLowerCase().startsWith(word.toLowerCase()));
}
