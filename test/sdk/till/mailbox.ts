import { SdkError } from '../../../sdk/errors.ts'
import type { ChannelLink, Clock } from '../../../sdk/ports.ts'
import type { TillMailbox } from '../../../sdk/till/index.ts'

/** The simplest end of a box that keeps to its contract. */
export function plainMailbox({ link, epoch, clock }: { link: ChannelLink; epoch: number; clock: Clock }): TillMailbox {
  let turn: Promise<unknown> = Promise.resolve()
  let acknowledged = 0
  async function post(bytes: Uint8Array): Promise<void> {
    const { sent } = await link.standing()
    await link.send({ sequence: sent + 1, epoch, bytes })
  }
  async function read(take: (message: Uint8Array) => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { sequence, bytes } of link.receive(acknowledged, signal)) {
          await take(bytes)
          await link.acknowledge({ through: sequence, epoch })
          acknowledged = sequence
        }
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof SdkError) || error.notes[0] === 'stale-epoch') throw error
        await clock.sleep(200, signal).catch(() => undefined)
      }
    }
  }
  return {
    post: (bytes) => {
      const end = turn.then(() => post(bytes))
      turn = end.catch(() => undefined)
      return end
    },
    read,
  }
}
