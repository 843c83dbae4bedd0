/** Logs, terminals and shells at the bottom of the window. */
export const dock = {
  label: 'Dock',
  tabs: 'Open tabs',
  closeTab: 'Close {title}',
  minimise: 'Minimise',
  restore: 'Restore',
  maximise: 'Maximise',
  resize: 'Drag to resize',
  newTerminal: 'New terminal',
  loading: 'Opening…',
  loadFailed: 'This panel could not be loaded.',
};
