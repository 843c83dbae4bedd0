import { expect } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { eventually } from '../../support/kubectl';
import { Dock } from './dock';
import { Drawer } from './drawer';
import { Table } from './table';

/** The whole window: navigation, Create, dialogs, and the ways to its parts. */
export class Window {
  readonly dock: Dock;
  readonly drawer: Drawer;

  constructor(readonly page: Page) {
    this.dock = new Dock(page);
    this.drawer = new Drawer(page);
  }

  byId(id: string): Locator {
    return this.page.getByTestId(id);
  }

  /** Opens a kind's list by the sidebar. */
  async open(kind: string): Promise<Table> {
    await this.byId(`nav-${kind}`).click();
    const table = new Table(this.page, kind);
    await table.root.waitFor();
    return table;
  }

  async overview(): Promise<void> {
    await this.byId('nav-overview').click();
  }

  /** Opens the editor for new objects, types the YAML and applies it. */
  async create(yaml: string): Promise<void> {
    await this.byId('create').click();
    await this.dock.write(yaml);
    await this.byId('editor-apply').click();
  }

  dialog(id: string): Locator {
    return this.byId(`dialog-${id}`);
  }

  async confirm(): Promise<void> {
    await this.byId('dialog-confirm').click();
  }

  /** Chooses one namespace (or all, with none) in the top bar. */
  async chooseNamespace(name: string): Promise<void> {
    await this.byId('namespace-select').click();
    await this.page.getByRole('option', { name, exact: true }).click();
    await this.page.keyboard.press('Escape');
  }

  /** Waits until a text stands somewhere in the window. */
  async sees(text: string | RegExp, timeout = 60_000): Promise<void> {
    await this.page.getByText(text).first().waitFor({ timeout });
  }

  async expectEventually(what: string, probe: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
    expect(await eventually(what, probe, timeoutMs)).toBe(true);
  }
}
