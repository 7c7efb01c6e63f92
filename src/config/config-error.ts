// A mistake in the configuration: one sentence that names the value and the next step; the program exits with 78.

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
