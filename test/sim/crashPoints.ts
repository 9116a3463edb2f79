import { sats } from '../../sdk/units.ts'
import { nameOf } from './audit.ts'
import { mine } from './chain.ts'
import { checkEnd, type Outcome, runScene, type Scene, seeBlock } from './scene.ts'
import type { Mutant } from './setting.ts'
import { wantClose } from './shoppers.ts'
import { release } from './tillNode.ts'
import { after, type CrashPoint, type Faults, fail, reportBug, restart } from './world.ts'

/** What a run with one crash came to. */
export interface CrashOutcome extends Outcome {
  /** Whether the process lived to make that call, and so died at it. */
  readonly hasCrashed: boolean
}

const noFaults: Faults = {
  drop: 0,
  lostAnswer: 0,
  double: 0,
  delay: 0,
  partition: 0,
  crash: 0,
  diskFull: 0,
  unknownEnd: 0,
  noise: 0,
  reorg: 0,
  hostile: 0,
  restore: 0,
  tillLost: 0,
  feeSpike: 0,
}
const blockTicks = 25
const shopTicks = 10
const prices = [40n, 700n, 7n].map(sats)

/**
 * Opens a channel, makes three payments and closes, with one crash and nothing else that goes wrong. A shopper asks again
 * until the goods are there, as people do.
 */
export async function runWithCrash(crashPoint: CrashPoint | null, mutant: Mutant | null = null): Promise<CrashOutcome> {
  const setup = { seed: 1, mutant, crashPoint, faults: noFaults, payersMax: 1, healsAt: 0 } as const
  const outcome = await runScene(setup, (scene, random) => {
    const { tillNode, payers, audit } = scene
    audit.world.isHealed = true
    for (const node of [tillNode, ...payers]) restart(node)
    const paymentIds = prices.map(() => random.bytes(16))
    prices.forEach((price, at) => {
      audit.prices.set(nameOf(paymentIds[at] as Uint8Array), price)
    })
    after(audit.world, shopTicks, () => void shopOn(scene, paymentIds))
    after(audit.world, blockTicks, () => nextBlock(scene))
  })
  return { ...outcome, hasCrashed: outcome.faults.crash > 0 }
}

function nextBlock(scene: Scene): void {
  const { chain, world } = scene.audit
  mine(chain)
  seeBlock(scene)
  checkEnd(scene)
  after(world, blockTicks, () => nextBlock(scene))
}

/** Buys the first of what is wanted that is not there yet; closes when all is. */
async function shopOn(scene: Scene, paymentIds: readonly Uint8Array[]): Promise<void> {
  const { audit, tillNode, payers } = scene
  const { world } = audit
  const [payer] = payers
  const at = paymentIds.findIndex((id) => !tillNode.released.has(nameOf(id)))
  const paymentId = paymentIds[at]
  const price = prices[at]
  if (!payer) return
  if (!paymentId || !price) {
    if (payer.account.charged !== prices.reduce((sum, each) => sum + each, 0n)) fail(world, 'OW12: charged wrongly')
    return wantClose(payer, 1_500)
  }
  after(world, shopTicks, () => void shopOn(scene, paymentIds))
  const till = tillNode.life.alive ? tillNode.till : null
  if (!till || !payer.shell || !payer.life.alive) return
  try {
    if (await release(audit, tillNode, till, paymentId)) return
    await till.quote(paymentId, price)
    if (payer.life.alive) await payer.shell.pay({ amount: price, paymentId })
  } catch (error) {
    reportBug(world, error)
  }
}
