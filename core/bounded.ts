/**
 * Rejects when the signal aborts or the time is up, whatever the client does: it knows no signals and, on a connection
 * that is silent, no end. The request itself runs out unheard.
 */
export async function bounded<T>(act: () => Promise<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal?.reason);
  const timer = setTimeout(() => reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "ETIMEDOUT" })), timeoutMs);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([act(), promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
