import { channelIdOf, type Opening } from '../../sdk/channel/index.ts'
import { currentEngine, nobleEngine, useEngine } from '../../sdk/crypto/index.ts'
import { keys } from '../../sdk/till/records.ts'
import { type Sats, sats } from '../../sdk/units.ts'
import { type Account, type Audit, auditBlock, openAccount, toPayeeOf, toPayerOf } from './audit.ts'
import { createBox, ring } from './box.ts'
import { createChain, spenderOf, tipOf, viewOf } from './chain.ts'
import { fakeEngine } from './fakeEngine.ts'
import { createPayer, type PayerNode } from './payerNode.ts'
import { createRandom, type Random } from './random.ts'
import { drawFaults, drawOpening, drawTerms, type Mutant } from './setting.ts'
import { createTillNode, type TillNode } from './tillNode.ts'
import { type CrashPoint, createWorld, type FaultCounts, type Faults, fail, reportBug, step } from './world.ts'

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

/** A till, its payers, and all that is between them. */
export interface Scene {
  readonly seed: number
  readonly audit: Audit
  readonly tillNode: TillNode
  readonly payers: readonly PayerNode[]
  /** Payments of the shoppers: what they want, and whether it is still to be had. */
  readonly wants: { readonly payer: PayerNode; readonly paymentId: Uint8Array; readonly price: Sats }[]
  /** When everything goes well from. */
  readonly healsAt: number
  isOver: boolean
}

/** What a world is made of. */
export interface SceneSetup {
  readonly seed: number
  readonly mutant: Mutant | null
  /** How likely each fault is; drawn from the seed where it is not said. */
  readonly faults?: Faults
  readonly crashPoint?: CrashPoint | null
  readonly healsAt?: number
  readonly payersMax: 1 | 2
}

/** How many blocks the end may take, once nothing goes wrong any more. */
const graceBlocks = 100
/** Every so many worlds one runs on real signatures, from the hundredth on. */
const realEvery = 500

/** Makes a world from its seed, plans what it brings by itself, and runs it to its end or to the first rule that is broken. */
export async function runScene(setup: SceneSetup, plan: (scene: Scene, random: Random) => void): Promise<Outcome> {
  const { seed } = setup
  const before = currentEngine()
  useEngine(seed % realEvery === 100 ? nobleEngine : fakeEngine)
  try {
    const scene = createScene(setup)
    const { world } = scene.audit
    plan(scene, world.random)
    while (!world.failure && !scene.isOver && step(world)) await drained()
    if (!world.failure && !scene.isOver) fail(world, 'nothing happens any more, and the world is not at its end')
    const { failure, events, counts, log } = world
    return { seed, failure, events, payments: scene.tillNode.released.size, faults: counts, log }
  } finally {
    useEngine(before)
  }
}

/** Lets every program go on until it waits for an event of the world: Node's ticks come once no promise has anything to do. */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function createScene({ seed, mutant, faults, crashPoint, payersMax, healsAt }: SceneSetup): Scene {
  const random = createRandom(seed)
  const world = createWorld(random, faults ?? drawFaults(random), crashPoint)
  const undepositedMax = sats(random.pick([0n, 400n, 3_000n]))
  const chain = createChain(world)
  const audit: Audit = { world, chain, accounts: new Map(), prices: new Map(), undepositedMax, viewTicksMax: 60 }
  const tillSecret = random.bytes(32)
  const terms = drawTerms(random, tillSecret)
  const tillNode = createTillNode(audit, { secretKey: tillSecret, terms, undepositedMax, mutant })
  const payers = Array.from({ length: random.chance(0.2) ? payersMax : 1 }, (_, at) => {
    const secretKey = random.bytes(32)
    const { opening, transaction } = drawOpening(random, terms, secretKey)
    const account = openAccount(audit, opening, createBox(channelIdOf(opening), mutant?.keep))
    return createPayer(audit, { name: `payer ${at}`, account, secretKey, fundingTransaction: transaction, mutant })
  })
  return { seed, audit, tillNode, payers, wants: [], healsAt: healsAt ?? random.from(150, 450), isOver: false }
}

/** What follows of a new block: it is judged, the boxes look at it, and everyone is told. */
export function seeBlock({ audit, tillNode, payers }: Scene): void {
  auditBlock(audit, tillNode.isLost)
  for (const { box } of audit.accounts.values()) ring(box, audit.chain)
  for (const node of [tillNode, ...payers]) for (const wake of node.bells.splice(0)) wake()
}

/** Whether every channel has come to its end, with the right sums. */
export function checkEnd(scene: Scene): void {
  const { audit, tillNode, payers } = scene
  const { world, chain } = audit
  const open = payers.map((payer) => openEnd(scene, payer)).filter((reason) => reason !== null)
  if (open.length > 0) {
    const last = Math.max(...payers.map(({ account }) => account.opening.expiry))
    if (tipOf(chain) > last + graceBlocks) fail(world, `after healing, something hangs: ${open.join(', ')}`)
    return
  }
  for (const { account } of payers) checkSums(scene, account)
  if (tillNode.isLost) {
    scene.isOver = true
    return
  }
  void checkGoods(scene)
    .catch((error) => reportBug(world, error))
    .then(() => {
      scene.isOver = true
    })
}

/** What is still open about a channel; nothing when all that can happen has happened. */
function openEnd({ audit, tillNode }: Scene, { name, account }: PayerNode): string | null {
  const { chain } = audit
  const { opening, payer, payee, box } = account
  const view = viewOf(chain, opening)
  if (!payer) return `${name} has no channel`
  if (isUnused(audit, opening) && (payer.phase === 'declined' || view.height >= opening.expiry)) return null
  if (payer.phase !== 'closed') return `${name} is ${payer.phase}`
  if (payer.ending.txid !== view.spend?.txid) return `${name} believes in another ending`
  if (tillNode.isLost) return null
  if (payee && (payee.phase !== 'closed' || payee.ending.txid !== view.spend.txid)) return `the till is ${payee.phase}`
  if (box.toPayee.struck < box.toPayee.messages.length) return 'a message waits at the till'
  return box.toPayer.struck < box.toPayer.messages.length ? `a message waits for ${name}` : null
}

/** True while the funding neither is in the chain nor waits for a block. */
function isUnused({ chain }: Audit, opening: Opening): boolean {
  return viewOf(chain, opening).fundedAt === null && !chain.mempool.has(opening.funding.txid)
}

/** The sums at the end: nobody lost more than the rules allow, and each side knows what it got. */
function checkSums({ audit, tillNode }: Scene, account: Account): void {
  const { world, chain, undepositedMax } = audit
  const { opening, payer, payee, released } = account
  const spender = spenderOf(chain, opening)
  const settled = toPayeeOf(opening, spender)
  const stated = tillNode.isLost ? undepositedMax : 0n
  if (settled + stated < released) fail(world, `the payee gave goods for ${released} sat and got ${settled}`)
  if (!tillNode.isLost && settled !== (payee?.best?.paid ?? 0n))
    fail(world, `the payee held ${payee?.best?.paid ?? 0n} sat and got ${settled}`)
  const ends = [payer, payee].flatMap((side) => (side?.phase === 'closed' ? [side.ending] : []))
  for (const { toPayee, toPayer } of tillNode.isLost ? [] : ends)
    if (toPayee !== settled || toPayer !== toPayerOf(opening, spender))
      fail(world, 'OW21: a side believes in other sums than the chain')
}

/** Whatever was charged may be given, however often the till crashed in between. [OW15] */
async function checkGoods({ audit, tillNode }: Scene): Promise<void> {
  const { till, disk } = tillNode
  for (const key of disk.records.keys()) {
    if (!key.startsWith(paymentsPrefix)) continue
    const paymentId = Uint8Array.from(Buffer.from(key.slice(paymentsPrefix.length), 'hex'))
    if (!(await till?.isPaid(paymentId))) fail(audit.world, 'OW15: a payment was charged, and its goods are not given')
  }
}

const paymentsPrefix = keys.payment(new Uint8Array(16)).slice(0, -32)
