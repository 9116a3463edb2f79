import { p2wpkh } from '../../sdk/bitcoin/index.ts'
import {
  channelIdOf,
  closingHeight,
  depositHeight,
  encodeMessage,
  linkKeyOf,
  type Opening,
} from '../../sdk/channel/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import type { Account, Audit } from './audit.ts'
import { post } from './box.ts'
import { mine, reorganize, spenderOf, tipOf, viewOf } from './chain.ts'
import { copyDisk } from './disk.ts'
import type { PayerNode } from './payerNode.ts'
import { checkEnd, type Outcome, runScene, type Scene, seeBlock } from './scene.ts'
import type { Mutant } from './setting.ts'
import { closeAtTill, probe, probeTicks, shop, wantClose, wantedIds } from './shoppers.ts'
import { breakRules, leaveAgain, lie, makeNoise, restoreBackup, stealFunding } from './trouble.ts'
import { after, note, restart, strikes } from './world.ts'

/** Runs one world from its seed to its end, or to the first rule that is broken. */
export function runChannelWorld(seed: number, mutant: Mutant | null = null): Promise<Outcome> {
  return runScene({ seed, mutant, payersMax: 2 }, plan)
}

/** Ticks between blocks of a healed world. */
const healedBlockTicks = 12
/** How long a healed world has to answer what is unanswered, before it sells once more. */
const settleTicks = 140

/** Plans what the world brings by itself: blocks, shoppers, trouble, and the healing. */
function plan(scene: Scene): void {
  const { audit, tillNode, payers, healsAt } = scene
  const { world } = audit
  const { random } = world
  restart(tillNode)
  for (const payer of payers) {
    after(world, random.below(20), () => restart(payer))
    if (random.chance(0.85)) after(world, random.from(60, 120), () => shop(scene, payer))
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
      const { account } = payer
      for (const mail of [account.box.toPayee, account.box.toPayer])
        if (strikes(world, 'noise')) makeNoise(world, mail, wantedIds(scene, payer))
      if (strikes(world, 'double')) leaveAgain(audit, account)
      if (!world.isHealed && random.chance(world.faults.hostile)) breakRules(audit, payer, wantedIds(scene, payer))
      if (!world.isHealed && random.chance(world.faults.hostile)) lie(audit, payer)
    })
  if (world.faults.hostile > 0) {
    after(world, random.from(30, 150), () => doubleChannel(audit, payer))
    after(world, random.from(20, 150), () => stealFunding(audit, payer))
  }
  if (world.faults.restore > 0 && random.chance(world.faults.restore)) {
    const copyAt = random.from(20, healsAt - 20)
    after(world, copyAt, () => {
      const copy = copyDisk(payer.disk)
      after(world, random.from(10, healsAt - copyAt), () => restoreBackup(world, payer, copy))
    })
  }
}

function nextBlock(scene: Scene): void {
  const { world, chain } = scene.audit
  if (world.isHealed && world.now < scene.healsAt + settleTicks + probeTicks) return
  const depth = reorgDepth(scene)
  if (depth > 0) reorganize(chain, depth)
  else for (let left = quietBlocks(scene); left > 0; left--) mine(chain)
  seeBlock(scene)
  if (world.isHealed) checkEnd(scene)
  const ticks = world.isHealed ? healedBlockTicks : world.random.from(15, 45)
  after(world, ticks, () => nextBlock(scene))
}

/** How many blocks come at once: one, or in a healed world all in which nothing can happen any more, so that it ends soon. */
function quietBlocks({ audit }: Scene): number {
  const { world, chain, accounts } = audit
  if (!world.isHealed || chain.mempool.size > 0) return 1
  const next = Math.min(...[...accounts.values()].map(({ opening }) => closingHeight(opening)))
  return Math.max(1, next - 1 - tipOf(chain))
}

/** How many blocks are taken back: some, or just as many as take back what a channel has only now come to believe. */
function reorgDepth({ audit }: Scene): number {
  const { world, chain, accounts } = audit
  const tip = tipOf(chain)
  const depths = [world.random.from(1, 5)]
  for (const { opening } of accounts.values()) {
    const { fundedAt, spend } = viewOf(chain, opening)
    const since = spend?.height ?? fundedAt
    if (since !== null && tip - since < 5) depths.push(tip - since + 1, tip - since + 1, tip - since + 1)
  }
  const isDue = strikes(world, 'reorg') || (depths.length > 1 && strikes(world, 'reorg'))
  const depth = isDue ? Math.min(chain.blocks.length, world.random.pick(depths)) : 0
  return [...accounts.values()].every((account) => isBearable(audit, account, depth)) ? depth : 0
}

/**
 * Near an expiry the chain holds the funding, and just before it the closing too: the margin is there for what the payee
 * trusts the chain not to do.
 */
function isBearable({ chain }: Audit, { opening }: Account, depth: number): boolean {
  const tip = tipOf(chain)
  if (tip < closingHeight(opening) - 2) return true
  const { fundedAt, spend } = viewOf(chain, opening)
  if (fundedAt !== null && fundedAt > tip - depth) return false
  const isClosing = spend !== null && spenderOf(chain, opening)?.locktime === 0
  return !isClosing || spend.height <= tip - depth || tip < depositHeight(opening)
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
