// The whole page: its frame, and the view that the address names.

export function Page() {
  return (
    <main>
      <h1>StreamHouse</h1>
    </main>
  );
}
