/**
 * Parts that are loaded when they are first used, so that a start doesn't wait for them.
 *
 * @module
 */

/** `load`, done once for all who ask; again after a failure. */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    if (loading === undefined) {
      loading = load();
      loading.catch(() => loading = undefined);
    }
    return loading;
  };
}
