import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** CodeMirror in the window's colours; both themes, since the tokens change under it. */
export const editorTheme = [
  EditorView.theme({
    '&': { backgroundColor: 'var(--c-bg)', color: 'var(--c-text)', fontSize: 'var(--text-s)' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.55' },
    '.cm-content': { caretColor: 'var(--c-accent)' },
    '.cm-cursor': { borderLeftColor: 'var(--c-accent)' },
    '.cm-gutters': { backgroundColor: 'var(--c-bg)', color: 'var(--c-faint)', border: 'none' },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--c-hover)' },
    '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': {
      backgroundColor: 'var(--c-selected) !important',
    },
    '.cm-selectionMatch': { backgroundColor: 'var(--c-accent-soft)' },
    '.cm-searchMatch': { backgroundColor: 'var(--c-warn-soft)', outline: '1px solid var(--c-warn)' },
    '.cm-panels': { backgroundColor: 'var(--c-sunken)', color: 'var(--c-text)' },
    '.cm-panels input, .cm-panels button': {
      border: '1px solid var(--c-border)',
      borderRadius: 'var(--radius-s)',
      background: 'var(--c-raised)',
      color: 'var(--c-text)',
    },
    '.cm-tooltip': {
      border: '1px solid var(--c-border)',
      borderRadius: 'var(--radius-s)',
      backgroundColor: 'var(--c-raised)',
      color: 'var(--c-text)',
    },
    '.cm-diagnostic-error': { borderLeftColor: 'var(--c-error)' },
    '.cm-foldPlaceholder': { border: 'none', backgroundColor: 'var(--c-off-soft)', color: 'var(--c-muted)' },
    '.cm-changedLine': { backgroundColor: 'var(--c-ok-soft) !important' },
    '.cm-deletedChunk': { backgroundColor: 'var(--c-error-soft) !important' },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--c-accent)' },
      { tag: [tags.string, tags.special(tags.string)], color: 'var(--c-ok)' },
      { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: 'var(--c-warn)' },
      { tag: [tags.comment, tags.meta], color: 'var(--c-faint)', fontStyle: 'italic' },
      { tag: [tags.punctuation, tags.separator], color: 'var(--c-muted)' },
    ]),
  ),
];
