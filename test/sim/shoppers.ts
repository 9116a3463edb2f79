import { channelIdOf, closingHeight, isFunded, payableMax } from '../../sdk/channel/index.ts'
import { sats } from '../../sdk/units.ts'
import { type Audit, nameOf } from './audit.ts'
import { viewOf } from './chain.ts'
import type { PayerNode } from './payerNode.ts'
import type { Scene } from './scene.ts'
import { release } from './tillNode.ts'
import { after, fail, note, reportBug } from './world.ts'

/** One wish of a shopper, and the plan for the next one. */
export function shop(scene: Scene, payer: PayerNode): void {
  const { world } = scene.audit
  if (world.isHealed) return
  void buy(scene, payer).catch((error) => reportBug(world, error))
  after(world, world.random.from(4, 40), () => shop(scene, payer))
}

/** Asks the till for a price and pays, now and then too little, or once more for what was wanted before. */
async function buy(scene: Scene, payer: PayerNode): Promise<void> {
  const { audit, tillNode, wants } = scene
  const { random } = audit.world
  const till = tillNode.life.alive ? tillNode.till : null
  const { shell, life } = payer
  if (!till || !shell || !life.alive) return
  const old = wants.filter((want) => want.payer === payer)
  const again = old.length > 0 && random.chance(0.2) ? random.pick(old) : null
  const paymentId = again?.paymentId ?? random.bytes(16)
  const price = again?.price ?? sats(BigInt(random.pick([1, 7, 40, 150, 700])))
  if (!again) {
    wants.push({ payer, paymentId, price })
    audit.prices.set(nameOf(paymentId), price)
  }
  if (!random.chance(0.1)) await till.quote(paymentId, price)
  const amount = sats(random.chance(0.1) ? price / 2n : random.chance(0.1) ? price + 5n : price)
  if (!life.alive) return // The payer died while the till thought of a price.
  const fault = await shell.pay({ amount, paymentId })
  note(audit.world, `${payer.name} pays ${amount} of ${price}: ${fault ?? 'sent'}`)
}

export function wantedIds({ wants }: Scene, payer: PayerNode): readonly Uint8Array[] {
  return wants.filter((want) => want.payer === payer).map(({ paymentId }) => paymentId)
}

export function wantClose(payer: PayerNode, rate: number): void {
  payer.closeFeerate = rate
}

export function closeAtTill({ audit, tillNode }: Scene, { account }: PayerNode): void {
  const till = tillNode.life.alive ? tillNode.till : null
  void till?.close(channelIdOf(account.opening)).catch((error) => reportBug(audit.world, error))
}

/** How long a healed world has for the payments that follow. */
export const probeTicks = 60

/** A channel that is open and in time has answered everything, and still sells. */
export function probe(scene: Scene, payer: PayerNode): void {
  const { audit, tillNode } = scene
  const { world } = audit
  const { account, shell } = payer
  const { till } = tillNode
  if (!till || !shell || !isUsable(audit, payer)) return
  if (account.payer?.pending) return fail(world, 'OW16: after healing, an update is not answered')
  const price = sats(1n)
  if (account.payer && account.payer.signed.paid + 600n >= payableMax(account.opening)) return
  const paymentId = world.random.bytes(16)
  audit.prices.set(nameOf(paymentId), price)
  const run = async () => {
    await till.quote(paymentId, price)
    await shell.pay({ amount: price, paymentId })
  }
  // The first answer may be a correction; the second payment is made with what was learned.
  for (const ticks of [0, 25]) after(world, ticks, () => void run().catch((error) => reportBug(world, error)))
  after(world, probeTicks - 1, () => {
    void release(audit, tillNode, till, paymentId).then((isPaid) => {
      if (!isUsable(audit, payer)) return
      if (!isPaid) fail(world, 'after healing, an open channel does not sell')
      const { payer: mine, payee: theirs } = account
      if (mine?.best.number !== theirs?.best?.number || mine?.spent !== theirs?.spent)
        fail(world, 'OW24: after healing, the payer does not know what is charged')
    })
  })
}

/** True for a channel that the payer could use, if nothing hung. */
function isUsable({ chain }: Audit, { account, closeFeerate }: PayerNode): boolean {
  const { opening, payer, payee, wasSpent } = account
  const view = viewOf(chain, opening)
  const isInTime = isFunded(opening, view) && view.height < closingHeight(opening)
  const isClosing = closeFeerate !== null || (wasSpent && payer?.phase === 'closing')
  return isInTime && !isClosing && payee?.phase === 'open'
}
