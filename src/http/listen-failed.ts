// A door that cannot be opened: a sentence for whoever set it up, naming the setting. The program ends with 78.

export class ListenFailed extends Error {
  override readonly name = 'ListenFailed';
}
