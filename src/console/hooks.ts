// How components follow what changes: stores, time, and what they read themselves.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Poller } from './model/poller.ts';
import { sentenceOf } from './model/problem.ts';
import type { Reading } from './model/cluster.ts';
import type { Store } from './model/store.ts';
import { useDesk } from './desk.ts';

/** Drawn anew when the store's value changes. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState({});
  const seen = useRef(store.value);
  seen.current = store.value;
  useEffect(() => {
    // It may have changed between being drawn and being followed.
    if (!Object.is(seen.current, store.value)) redraw({});
    return store.subscribe(() => redraw({}));
  }, [store]);
  return store.value;
}

/** `performance.now()`, drawn anew every so often. */
export function useNow(everyMs: number): number {
  const [nowMs, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}

export interface Read<T> {
  /** What was read last, if anything was; old when `failure` is set. */
  readonly reading: Reading<T> | undefined;
  readonly failure: string | undefined;
}

/**
 * Reads for as long as the component is there and the tab is seen, anew when the cluster changes and every few seconds.
 * `key` names what is read: another key, another read.
 */
export function useRead<T>(key: string, read: (signal: AbortSignal) => Promise<T>, everyMs = 5_000): Read<T> {
  const { live } = useDesk();
  const [state, setState] = useState<Read<T> & { readonly key: string }>();
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    const poller = new Poller({
      read: async (signal) => {
        const askedAtMs = performance.now();
        const value = await latest.current(signal);
        if (!signal.aborted) setState({ key, reading: { value, askedAtMs }, failure: undefined });
      },
      onFailure: (error) =>
        setState((last) => ({
          key,
          reading: last?.key === key ? last.reading : undefined,
          failure: sentenceOf(error),
        })),
      everyMs,
      restFactor: 5,
      unrungFactor: 20,
    });
    const follow = (): void => (document.hidden ? poller.stop() : poller.start());
    follow();
    document.addEventListener('visibilitychange', follow);
    const unsubscribe = live.changes.subscribe(() => poller.ring());
    return () => {
      document.removeEventListener('visibilitychange', follow);
      unsubscribe();
      poller.stop();
    };
  }, [key, everyMs, live]);
  return state?.key === key ? state : { reading: undefined, failure: undefined };
}

/** The width that an element has now, px. */
export function useWidth(): [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(0);
  const [element, setElement] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, width];
}
