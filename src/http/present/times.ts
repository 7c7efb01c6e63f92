// Times in answers: RFC 3339 in UTC.

export function time(at: Date): string {
  return at.toISOString();
}

export function timeOrNull(at: Date | null): string | null {
  return at === null ? null : time(at);
}
