import type { Locator, Page } from 'playwright-core';
import { eventually } from '../../support/kubectl';

/** A live table of one kind. */
export class Table {
  readonly root: Locator;

  constructor(
    private readonly page: Page,
    kind: string,
  ) {
    this.root = page.getByTestId(`table-${kind}`);
  }

  row(name: string): Locator {
    return this.root.locator(`[data-name="${name}"]`);
  }

  /** The names on screen that start with the prefix. */
  async names(prefix = ''): Promise<string[]> {
    const names = await this.root
      .locator('[data-name]')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-name') ?? ''));
    return names.filter((name) => name.startsWith(prefix));
  }

  /** Resolves when exactly `count` rows with the prefix are there and each shows the text. */
  async showing(prefix: string, count: number, text: string, timeoutMs = 90_000): Promise<string[]> {
    let last = '';
    return eventually(
      `${count} rows ${prefix}… with ${text} (last seen: ${last})`,
      async () => {
        const rows = await this.root
          .locator('[data-name]')
          .evaluateAll((elements) =>
            elements.map((row) => [row.getAttribute('data-name') ?? '', row.textContent ?? ''] as const),
          );
        const mine = rows.filter(([name]) => name.startsWith(prefix));
        last = JSON.stringify(mine);
        return mine.length === count && mine.every(([, shown]) => shown.includes(text)) && mine.map(([name]) => name);
      },
      timeoutMs,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\nlast seen: ${last}`);
    });
  }

  /** Clicks a row's name: the drawer opens. */
  async openRow(name: string): Promise<void> {
    await this.row(name).first().click();
    await this.page.getByTestId('drawer').waitFor();
  }
}
