import { first, type Mail, strike } from './box.ts'
import { after, call, nothingNew, reportBug, type SimNode, sleep, type World } from './world.ts'

/** How long a reader waits before it looks by itself, and before it tries again. */
const pollTicks = 60
const retryTicks = 6

/** Reads a mailbox for as long as the process lives: a message is struck off after it was dealt with, never before. */
export async function readMail(
  world: World,
  node: SimNode,
  mail: Mail,
  take: (message: Uint8Array) => Promise<void>,
): Promise<void> {
  let done = -1
  for (;;) {
    try {
      const last = done
      const next = await call(world, node, 'box', () => {
        if (last >= 0) strike(mail, last)
        return first(mail)
      })
      if (next) {
        await take(next.message)
        done = next.at
      } else await untilWoken(world, node, mail.readers, pollTicks)
    } catch (error) {
      reportBug(world, error)
      await sleep(world, node, retryTicks)
    }
  }
}

/** Waits until somebody rings, or some time has passed. */
export function untilWoken(world: World, node: SimNode, bells: (() => unknown)[], ticks: number): Promise<void> {
  const { life } = node
  return new Promise((resolve) => {
    let isAwake = false
    const wake = () => {
      if (isAwake || !life.alive) return nothingNew
      isAwake = true
      return resolve()
    }
    bells.push(wake)
    after(world, ticks, wake)
  })
}
