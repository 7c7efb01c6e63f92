// `--config` of a topic: `key=value` pairs, a JSON object, or several of either.
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { JsonObject } from '../domain/topic.ts';

const jsonObject = z.record(z.string(), z.unknown());

/**
 * Adds one `--config` value to those before it; a later key wins. The value of `key=value` is text, as in Kafka's tools:
 * guessing at numbers and booleans would turn a version `1.10` into 1.1. JSON says its types itself.
 */
export function parseTopicConfig(text: string, before: JsonObject = {}): JsonObject {
  return { ...before, ...(text.trimStart().startsWith('{') ? fromJson(text) : fromPair(text)) };
}

function fromPair(text: string): JsonObject {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new InvalidArgumentError(
      'It must be key=value or a JSON object. (--config takes all values that follow it: write NAME before it.)',
    );
  }
  return Object.fromEntries([[text.slice(0, equals), text.slice(equals + 1)]]);
}

function fromJson(text: string): JsonObject {
  try {
    return jsonObject.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof SyntaxError ? ` (${error.message})` : '';
    throw new InvalidArgumentError(`It begins like a JSON object but is none${reason}.`);
  }
}
