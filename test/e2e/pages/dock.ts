import type { Locator, Page } from 'playwright-core';

/** The tabs at the bottom: editors, logs, shells, terminals. */
export class Dock {
  readonly root: Locator;

  constructor(private readonly page: Page) {
    this.root = page.getByTestId('dock');
  }

  private get editor(): Locator {
    return this.root.locator('.cm-content[contenteditable="true"]:visible').first();
  }

  /** Replaces the text in the editor in front. */
  async write(text: string): Promise<void> {
    await this.editor.waitFor();
    await this.editor.fill(text);
  }

  /** The text of the editor in front, as far as it is on screen. */
  async read(): Promise<string> {
    await this.editor.waitFor();
    return this.editor.innerText();
  }

  /** What the terminal in front shows. */
  async screen(): Promise<string> {
    const rows = this.root.locator('.xterm-rows:visible > div');
    return (await rows.allInnerTexts()).join('\n').replaceAll('\u00A0', ' ');
  }

  async type(text: string): Promise<void> {
    await this.root.locator('.xterm-helper-textarea:visible').focus();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  async closeTab(type: string): Promise<void> {
    await this.root.getByTestId(`dock-tab-${type}`).last().getByRole('button').last().click();
  }
}
