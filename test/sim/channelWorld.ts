import { p2wpkh } from '../../sdk/bitcoin/index.ts'
import {
  channelIdOf,
  closingHeight,
  encodeMessage,
  isFunded,
  linkKeyOf,
  type Opening,
  payableMax,
} from '../../sdk/channel/index.ts'
import { currentEngine, nobleEngine, useEngine } from '../../sdk/crypto/index.ts'
import { type Sats, sats } from '../../sdk/units.ts'
import { type Account, type Audit, auditBlock, nameOf, openAccount, toPayeeOf } from './audit.ts'
import { createBox, post, ring } from './box.ts'
import { createChain, mine, reorganize, spenderOf, tipOf, viewOf } from './chain.ts'
import { copyDisk } from './disk.ts'
import { fakeEngine } from './fakeEngine.ts'
import { createPayer, type PayerNode } from './payerNode.ts'
import { createRandom } from './random.ts'
import { drawFaults, drawOpening, drawTerms, type Mutant } from './setting.ts'
import { createTillNode, release, type TillNode } from './tillNode.ts'
import { breakRules, lie, makeNoise, restoreBackup } from './trouble.ts'
import { after, createWorld, type FaultCounts, fail, note, reportBug, restart, step, strikes } from './world.ts'

/** What became of one world. */
export interface Outcome {
  readonly seed: number
  readonly failure: string | null
  readonly events: number
  /** Payments whose goods were given. */
  readonly payments: number
  readonly faults: FaultCounts
  /** The last things that happened. */
  readonly log: readonly string[]
}

/** Every so many worlds one runs on real signatures. */
export const realEvery = 200

/** Runs one world from its seed to its end, or to the first rule that is broken. */
export async function runChannelWorld(seed: number, mutant: Mutant | null = null): Promise<Outcome> {
  useEngine(seed % realEvery === 0 ? nobleEngine : fakeEngine)
  try {
    const scene = createScene(seed, mutant)
    plan(scene)
    const { world } = scene.audit
    while (!world.failure && !scene.isOver && step(world)) await drained()
    if (!world.failure && !scene.isOver) fail(world, 'nothing happens any more, and the world is not at its end')
    return {
      seed,
      failure: world.failure,
      events: world.events,
      payments: scene.tillNode.released.size,
      faults: world.counts,
      log: world.log,
    }
  } finally {
    useEngine(nobleEngine)
  }
}

/** Lets every program go on until it waits for an event of the world. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

interface Scene {
  readonly audit: Audit
  readonly tillNode: TillNode
  readonly payers: readonly PayerNode[]
  /** Payments of the shoppers: what they want, and whether it is still to be had. */
  readonly wants: { readonly payer: PayerNode; readonly paymentId: Uint8Array; readonly price: Sats }[]
  readonly healsAt: number
  isOver: boolean
}

/** Ticks between blocks of a healed world. */
const healedBlockTicks = 12
/** How many blocks the end may take, once nothing goes wrong any more. */
const graceBlocks = 100

function createScene(seed: number, mutant: Mutant | null): Scene {
  const random = createRandom(seed)
  const world = createWorld(random, drawFaults(random))
  const undepositedMax = sats(random.pick([0n, 400n, 3_000n]))
  const chain = createChain(world)
  const audit: Audit = { world, chain, accounts: new Map(), prices: new Map(), undepositedMax, viewTicksMax: 60 }
  const tillSecret = random.bytes(32)
  const terms = drawTerms(random, tillSecret)
  const tillNode = createTillNode(audit, { secretKey: tillSecret, terms, undepositedMax, mutant })
  const payers = Array.from({ length: random.chance(0.2) ? 2 : 1 }, (_, at) => {
    const secretKey = random.bytes(32)
    const { opening, transaction } = drawOpening(random, terms, secretKey)
    const account = openAccount(audit, opening, createBox(channelIdOf(opening)))
    return createPayer(audit, { name: `payer ${at}`, account, secretKey, fundingTransaction: transaction, mutant })
  })
  return { audit, tillNode, payers, wants: [], healsAt: random.from(150, 900), isOver: false }
}

/** Plans what the world brings by itself: blocks, shoppers, trouble, and the healing. */
function plan(scene: Scene): void {
  const { audit, tillNode, payers, healsAt } = scene
  const { world } = audit
  const { random } = world
  restart(tillNode)
  for (const payer of payers) {
    after(world, random.below(20), () => restart(payer))
    after(world, random.from(60, 120), () => shop(scene, payer))
    if (random.chance(0.4))
      after(world, random.from(150, healsAt + 200), () => wantClose(payer, random.from(500, 2_500)))
    if (random.chance(0.1)) after(world, random.from(150, healsAt), () => closeAtTill(scene, payer))
    planTrouble(scene, payer)
  }
  after(world, random.from(1, 30), () => nextBlock(scene))
  if (strikes(world, 'tillLost')) after(world, random.from(100, healsAt), () => loseTill(scene))
  after(world, healsAt, () => heal(scene))
}

function planTrouble(scene: Scene, payer: PayerNode): void {
  const { audit, healsAt } = scene
  const { world } = audit
  const { random } = world
  for (let at = 50; at < healsAt; at += 50)
    after(world, at + random.below(50), () => {
      if (strikes(world, 'noise')) makeNoise(world, payer.account.box.toPayee)
      if (strikes(world, 'noise')) makeNoise(world, payer.account.box.toPayer)
      if (!world.isHealed && random.chance(world.faults.hostile)) breakRules(audit, payer, wantedIds(scene, payer))
      if (!world.isHealed && random.chance(world.faults.hostile)) lie(audit, payer)
    })
  if (world.faults.hostile > 0) after(world, random.from(30, 150), () => doubleChannel(audit, payer))
  if (world.faults.restore > 0 && random.chance(world.faults.restore)) {
    const copyAt = random.from(20, healsAt - 20)
    after(world, copyAt, () => {
      const copy = copyDisk(payer.disk)
      after(world, random.from(10, healsAt - copyAt), () => restoreBackup(world, payer, copy))
    })
  }
}

function nextBlock(scene: Scene): void {
  const { audit, tillNode, payers } = scene
  const { world, chain, accounts } = audit
  if (world.isHealed && world.now < scene.healsAt + settleTicks + probeTicks) return
  const depth = reorgDepth(scene)
  if (depth > 0) reorganize(chain, depth)
  else mine(chain)
  auditBlock(audit, tillNode.isLost)
  for (const { box } of accounts.values()) ring(box, chain)
  for (const node of [tillNode, ...payers]) for (const wake of node.bells.splice(0)) wake()
  if (world.isHealed) checkEnd(scene)
  const ticks = world.isHealed ? healedBlockTicks : world.random.from(15, 45)
  after(world, ticks, () => nextBlock(scene))
}

/**
 * How many blocks are taken back: some, or just as many as take back what a channel has only now come to believe. Near an
 * expiry the chain holds what it has: the margin is there for what is deeper.
 */
function reorgDepth({ audit }: Scene): number {
  const { world, chain, accounts } = audit
  const tip = tipOf(chain)
  const depths = [world.random.from(1, 5)]
  for (const { opening } of accounts.values()) {
    if (tip >= closingHeight(opening) - 2) return 0
    const { fundedAt, spend } = viewOf(chain, opening)
    const since = spend?.height ?? fundedAt
    if (since !== null && tip - since < 5) depths.push(tip - since + 1, tip - since + 1, tip - since + 1)
  }
  const isDue = strikes(world, 'reorg') || (depths.length > 1 && strikes(world, 'reorg'))
  return isDue ? Math.min(chain.blocks.length, world.random.pick(depths)) : 0
}

/** One wish of a shopper, and the plan for the next one. */
function shop(scene: Scene, payer: PayerNode): void {
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

function wantedIds({ wants }: Scene, payer: PayerNode): readonly Uint8Array[] {
  return wants.filter((want) => want.payer === payer).map(({ paymentId }) => paymentId)
}

function wantClose(payer: PayerNode, rate: number): void {
  payer.closeFeerate = rate
}

function closeAtTill({ audit, tillNode }: Scene, { account }: PayerNode): void {
  const till = tillNode.life.alive ? tillNode.till : null
  void till?.close(channelIdOf(account.opening)).catch((error) => reportBug(audit.world, error))
}

/** Offers a second channel on the output of the first, once that is taken. */
function doubleChannel({ world }: Audit, { account, secretKey }: PayerNode): void {
  if (!account.payee) return
  const { opening } = account
  const second: Opening = { ...opening, payerScript: p2wpkh(currentEngine().publicKey(secretKey)) }
  const { payeeKey } = opening.terms
  const key = linkKeyOf(currentEngine().sharedSecret(secretKey, payeeKey), channelIdOf(second))
  note(world, 'a second channel is offered on one output')
  post(account.box.toPayee, encodeMessage({ type: 'open', opening: second }, key))
}

function loseTill({ audit, tillNode }: Scene): void {
  note(audit.world, 'the till is lost with its disk')
  tillNode.isLost = true
  tillNode.life.alive = false
  tillNode.till = null
}

/** From here on nothing goes wrong, and everyone has to come to an end. No block comes until the channels were probed. */
function heal(scene: Scene): void {
  const { audit, tillNode, payers } = scene
  const { world } = audit
  world.isHealed = true
  note(world, 'the world is healed')
  for (const node of [tillNode, ...payers]) {
    node.cutUntil.clear()
    restart(node)
  }
  for (const payer of payers) after(world, settleTicks, () => probe(scene, payer))
  after(world, settleTicks + probeTicks, () => nextBlock(scene))
}

/** How long a healed world has to answer what is unanswered, and then one more payment. */
const settleTicks = 70
const probeTicks = 60

/** A channel that is open and in time has answered everything, and still sells. */
function probe(scene: Scene, payer: PayerNode): void {
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
      if (!isPaid && isUsable(audit, payer)) fail(world, 'after healing, an open channel does not sell')
    })
  })
}

/** True for a channel that the payer could use, if nothing hung. */
function isUsable({ chain }: Audit, { account, closeFeerate }: PayerNode): boolean {
  const { opening, payer, payee } = account
  const view = viewOf(chain, opening)
  const isInTime = isFunded(opening, view) && view.height < closingHeight(opening)
  return isInTime && payer?.phase !== 'closing' && payee?.phase === 'open' && closeFeerate === null
}

/** Whether every channel has come to its end, with the right sums. */
function checkEnd(scene: Scene): void {
  const { audit, tillNode, payers } = scene
  const { world, chain } = audit
  const open = payers.map((payer) => openEnd(scene, payer)).filter((reason) => reason !== null)
  if (open.length === 0) {
    for (const { account } of payers) checkSums(scene, account)
    scene.isOver = true
    return
  }
  const last = Math.max(...payers.map(({ account }) => account.opening.expiry))
  if (tipOf(chain) > last + graceBlocks) fail(world, `after healing, something hangs: ${open.join(', ')}`)
  void tillNode
}

/** What is still open about a channel; nothing when all that can happen has happened. */
function openEnd({ audit, tillNode }: Scene, { name, account }: PayerNode): string | null {
  const { chain } = audit
  const { opening, payer, payee, box } = account
  const view = viewOf(chain, opening)
  if (!payer) return `${name} has no channel`
  const isUnused = view.fundedAt === null && !chain.mempool.has(opening.funding.txid)
  if (isUnused && (payer.phase === 'declined' || view.height >= opening.expiry)) return null
  if (payer.phase !== 'closed') return `${name} is ${payer.phase}`
  if (payer.ending.txid !== view.spend?.txid) return `${name} believes in another ending`
  if (tillNode.isLost) return null
  if (payee && (payee.phase !== 'closed' || payee.ending.txid !== view.spend.txid)) return `the till is ${payee.phase}`
  if (box.toPayee.struck < box.toPayee.messages.length) return 'a message waits at the till'
  return box.toPayer.struck < box.toPayer.messages.length ? `a message waits for ${name}` : null
}

/** The sums at the end: nobody lost more than the rules allow. */
function checkSums({ audit, tillNode }: Scene, account: Account): void {
  const { world, chain, undepositedMax } = audit
  const { opening, payee, released } = account
  const settled = toPayeeOf(opening, spenderOf(chain, opening))
  const stated = tillNode.isLost ? undepositedMax : 0n
  if (settled + stated < released) fail(world, `the payee gave goods for ${released} sat and got ${settled}`)
  if (!tillNode.isLost && settled !== (payee?.best?.paid ?? 0n))
    fail(world, `the payee held ${payee?.best?.paid ?? 0n} sat and got ${settled}`)
}
