/**
 * Megabytes in which new objects of a thread live. What a block's transactions leave is needed until the block is sealed; in
 * the smaller room that Node gives by default the collector copies all of it several times over, a third of the whole work.
 */
const semiSpaceMegabytes = 64

/** For the process of an executor, as arguments of Node. */
export const heapFlags: readonly string[] = [
  `--min-semi-space-size=${semiSpaceMegabytes}`,
  `--max-semi-space-size=${semiSpaceMegabytes}`,
]

/** For its threads: V8 counts two semi-spaces, and one for large objects. */
export const threadLimits: { readonly maxYoungGenerationSizeMb: number } = {
  maxYoungGenerationSizeMb: 3 * semiSpaceMegabytes,
}
