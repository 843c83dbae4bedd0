/** The last characters of an endless text, cut at line starts where it can be. */
export class TextRing {
  private chunks: string[] = [];
  private length = 0;

  /** @param capacity in characters */
  constructor(private readonly capacity: number) {}

  push(text: string): void {
    this.chunks.push(text);
    this.length += text.length;
    while (this.length > this.capacity) {
      const over = this.length - this.capacity;
      const first = this.chunks[0]!;
      if (first.length <= over) {
        this.chunks.shift();
        this.length -= first.length;
      } else {
        // Whole lines only, lest an escape sequence is cut in two.
        const line = first.indexOf('\n', over - 1);
        const cut = line === -1 ? over : line + 1;
        this.chunks[0] = first.slice(cut);
        this.length -= cut;
      }
    }
  }

  toString(): string {
    return this.chunks.join('');
  }
}
