import type { Locator, Page } from 'playwright-core';

/** The panel beside a table that shows one object. */
export class Drawer {
  readonly root: Locator;

  constructor(private readonly page: Page) {
    this.root = page.getByTestId('drawer');
  }

  /** Runs one of the object's actions: its own button, or the entry in the menu of further actions. */
  async action(id: string): Promise<void> {
    const button = this.root.getByTestId(`action-${id}`);
    // The drawer may still be on its way; its buttons come together.
    await this.root.getByTestId('drawer-more').waitFor();
    if (await button.isVisible()) return button.click();
    await this.root.getByTestId('drawer-more').click();
    const entry = this.page.getByRole('menu').getByTestId(`action-${id}`);
    // What can be done may have changed while the menu was opened: a node that was cordoned has a button for it no more.
    await entry.or(button).first().waitFor();
    if (await entry.isVisible()) return entry.click();
    await this.page.keyboard.press('Escape');
    await button.click();
  }

  async text(): Promise<string> {
    return (await this.root.textContent()) ?? '';
  }

  async close(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.root.waitFor({ state: 'hidden' });
  }
}
