import { SdkError } from '../../../errors.ts'
import { copyNumber, isOwnState, keepCopies, release } from './backup.ts'
import { encodeCopy } from './copy.ts'
import { attempt, type PenaltyDesk } from './desk.ts'

/**
 * Leaves the newest state wherever it lacks, beside the turns: no payment waits for that, but for messages that are held back. What
 * fails is tried again after a later turn. [TW42]
 */
export function askCopies(desk: PenaltyDesk): void {
  const { id, world, copies, known, version, epoch, isElsewhere } = desk
  const { backup } = world
  if (!backup || !copies || copies.isAsked || isElsewhere || version === null || !isOwnState(known)) return
  const number = copyNumber(epoch, version)
  if (copies.places.every((place) => place.number >= number)) return
  const forwards = desk.payments.passed(desk)
  if (!forwards) return // A later turn reads them first.
  const plain = encodeCopy(id, { record: known, forwards })
  copies.isAsked = true
  const ask = async () => {
    const done = await attempt(desk, async () => {
      await world.listed()
      await keepCopies(copies, backup.cipher, { number, plain })
      return true
    })
    copies.isAsked = false
    release(copies)
    if (done) askCopies(desk) // There may be a newer one by now.
  }
  world.task(
    ask().catch((error) => {
      if (!(error instanceof SdkError && error.code === 'wallet/channel-elsewhere')) throw error // Otherwise it is known by now.
    }),
  )
}
