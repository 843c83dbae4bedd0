import { defineStore } from 'pinia';
import { markRaw, shallowRef, type Component } from 'vue';

interface OpenDialog {
  id: number;
  component: Component;
  props: Record<string, unknown>;
  settle(result: unknown): void;
}

/** One dialog at a time; each is a component that emits `close` with its result. */
export const useDialogStore = defineStore('dialogs', () => {
  const current = shallowRef<OpenDialog>();
  let count = 0;

  /** Shows a dialog. Answers what it closes with, undefined when it was cancelled. */
  function show<R>(component: Component, props: Record<string, unknown>): Promise<R | undefined> {
    current.value?.settle(undefined);
    return new Promise((resolve) => {
      const id = ++count;
      current.value = {
        id,
        component: markRaw(component),
        props,
        settle: (result) => {
          if (current.value?.id === id) current.value = undefined;
          resolve(result as R | undefined);
        },
      };
    });
  }

  return { current, show };
});
