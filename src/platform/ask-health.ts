// Asks a health URL: any 2xx within the time means well. Rejects with what was wrong.

export async function askHealth(url: string, timeoutMs: number): Promise<void> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  // Read, so that the connection can be used again.
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
