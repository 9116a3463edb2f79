/**
 * Lets calls wait for each other for a moment. They go on in one turn, one after the other, and what they write then
 * the platform makes durable by one write to the disk, which costs more than all they compute.
 */
export function openGather(ms: number): () => Promise<void> {
  let gathering: Promise<void> | undefined
  return () => {
    gathering ??= new Promise((resolve) =>
      setTimeout(() => {
        gathering = undefined
        resolve()
      }, ms),
    )
    return gathering
  }
}
