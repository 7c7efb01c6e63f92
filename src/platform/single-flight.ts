// One piece of work at a time for a key, shared by all who ask for it meanwhile.

export class SingleFlight<T> {
  private readonly flights = new Map<string, { answer?: Promise<T> }>();

  /**
   * The answer of the work under way for `key`, or of `work`, begun now. `isWanted` tells the work whether nobody has called for it to be
   * forgotten since it began.
   */
  run(key: string, work: (isWanted: () => boolean) => Promise<T>): Promise<T> {
    return this.flights.get(key)?.answer ?? this.begin(key, work);
  }

  /** Who asks from now on does not share what is under way: it began too early. */
  forget(key: string): void {
    this.flights.delete(key);
  }

  forgetAll(): void {
    this.flights.clear();
  }

  private begin(key: string, work: (isWanted: () => boolean) => Promise<T>): Promise<T> {
    const flight: { answer?: Promise<T> } = {};
    this.flights.set(key, flight);
    const isWanted = (): boolean => this.flights.get(key) === flight;
    const answer = (async () => {
      try {
        return await work(isWanted);
      } finally {
        if (isWanted()) this.flights.delete(key);
      }
    })();
    flight.answer = answer;
    return answer;
  }
}
