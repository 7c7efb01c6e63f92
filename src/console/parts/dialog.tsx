// A modal dialog: the browser traps the focus in it; afterwards it is where it was.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

export interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** By Escape; the dialog stays until its owner takes it away. */
  readonly onCancel: () => void;
}

export function Dialog({ title, children, onCancel }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const { current } = dialog;
    const before = document.activeElement;
    current?.showModal();
    return () => {
      current?.close();
      giveFocus(before);
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onCancel();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

/** To the page's content when what had it is gone, or can no longer be used. */
function giveFocus(element: Element | null): void {
  if (element instanceof HTMLElement) element.focus();
  const { activeElement, body } = document;
  const isLost = activeElement === null || activeElement === body || activeElement.closest('dialog') !== null;
  if (isLost) document.querySelector<HTMLElement>('#main')?.focus();
}
