import { expect } from 'vitest'

// Vitest compares bytes one by one, by their names as properties of an object. What differs in kind is left to it. Once in
// a process: a file of its own is loaded for the first test alone, and the setup for each.
expect.addEqualityTesters([
  (one, other) =>
    one instanceof Uint8Array && other instanceof Uint8Array && one.constructor === other.constructor
      ? Buffer.compare(one, other) === 0
      : undefined,
])
