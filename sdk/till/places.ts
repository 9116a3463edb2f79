/** A bounded number of places; whoever finds none waits in line. */
export interface Places {
  /** Resolves with true once there is a place for `name`, with false when aborted before. */
  readonly take: (name: string, signal: AbortSignal) => Promise<boolean>
  /** Gives one place back. */
  readonly give: () => void
  /** Puts `name` at the front of the line, if it waits. */
  readonly hurry: (name: string) => void
  /** How many wait. */
  readonly waiting: () => number
}

/** @param placesMax - How many places there are. */
export function createPlaces(placesMax: number): Places {
  let free = placesMax
  let line: { readonly name: string; readonly enter: () => void }[] = []
  return {
    take: (name, signal) => {
      if (signal.aborted) return Promise.resolve(false)
      if (free > 0) {
        free -= 1
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const leave = () => {
          line = line.filter((other) => other !== waiter)
          resolve(false)
        }
        const enter = () => {
          signal.removeEventListener('abort', leave)
          resolve(true)
        }
        const waiter = { name, enter }
        line.push(waiter)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
    give: () => {
      const next = line.shift()
      if (next) next.enter()
      else free += 1
    },
    hurry: (name) => {
      line = [...line.filter((other) => other.name === name), ...line.filter((other) => other.name !== name)]
    },
    waiting: () => line.length,
  }
}
