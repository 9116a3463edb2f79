import {
  channelIdOf,
  channelOf,
  closingHeight,
  decodeMessage,
  encodeMessage,
  isFromPayer,
  linkKeyOf,
  type Opening,
  payeeStep,
  type Terms,
} from '../../sdk/channel/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import { InvariantError } from '../../sdk/errors.ts'
import { localTillSigner, type Till, type TillWorld } from '../../sdk/till/index.ts'
import { keys, paymentFrom } from '../../sdk/till/records.ts'
import { openTill } from '../../sdk/till/till.ts'
import type { Sats } from '../../sdk/units.ts'
import {
  type Audit,
  auditDeposit,
  auditRelease,
  auditTill,
  auditTillBroadcast,
  auditTillSend,
  leave,
  nameOf,
  tillFeerate,
} from './audit.ts'
import { post } from './box.ts'
import { tipOf, viewOf } from './chain.ts'
import { type Disk, storeOn } from './disk.ts'
import { readMail, untilWoken } from './mailman.ts'
import { send } from './payerNode.ts'
import type { Mutant } from './setting.ts'
import { call, note, reportBug, type SimNode, type World } from './world.ts'

/** The till's process: the real till on simulated ports. */
export interface TillNode extends SimNode {
  readonly disk: Disk
  readonly bells: (() => unknown)[]
  readonly released: Set<string>
  till: Till | null
  /** Lost for good, with its disk. */
  isLost: boolean
}

interface TillSetup {
  readonly secretKey: Uint8Array
  readonly terms: Terms
  readonly undepositedMax: Sats
  readonly mutant: Mutant | null
}

/** A tick of the world on the till's clock. */
const tickMs = 1_000
const watchTicks = 60
/** From so many blocks after its time to close on, the till is left in peace: it is promised to be awake once. */
const graceBlocks = 4

export function createTillNode(audit: Audit, setup: TillSetup): TillNode {
  const node: TillNode = {
    name: 'till',
    disk: { records: new Map(), onCommit: (writes) => auditTill(audit, writes) },
    bells: [],
    released: new Set(),
    till: null,
    isLost: false,
    life: { alive: false },
    cutUntil: new Map(),
    reached: new Map(),
    calls: 0,
    isSpared: () => isClosingTime(audit),
    start: () => {
      if (!node.isLost) void begin(audit, node, setup)
    },
  }
  return node
}

async function begin(audit: Audit, node: TillNode, setup: TillSetup): Promise<void> {
  const { world } = audit
  node.till = null
  node.bells.length = 0
  const plain = tillWorld(audit, node, setup)
  const wrapped = setup.mutant?.tillWorld?.(plain) ?? plain
  const { terms, undepositedMax, mutant } = setup
  const options = { ...wrapped, terms, undepositedMax, viewMsMax: audit.viewTicksMax * tickMs }
  const opened = await openTill(options, mutant?.payee?.(payeeStep) ?? payeeStep)
  const till = mutant?.till?.(opened, (bytes) => sealedAnew(audit, setup, bytes)) ?? opened
  node.till = till
  for (const { box } of audit.accounts.values())
    void readMail(world, node, box.toPayee, (message) => take(audit, node, till, message))
  void watch(world, node, till)
}

/** The message with the right tag, whoever made it. */
function sealedAnew({ accounts }: Audit, { secretKey }: TillSetup, bytes: Uint8Array): Uint8Array {
  const envelope = decodeMessage(bytes)
  const account = envelope.ok ? accounts.get(channelOf(envelope.value.message)) : undefined
  if (!envelope.ok || !account) return bytes
  const secret = currentEngine().sharedSecret(secretKey, account.opening.payerKey)
  return encodeMessage(envelope.value.message, linkKeyOf(secret, channelIdOf(account.opening)))
}

async function take(audit: Audit, node: TillNode, till: Till, message: Uint8Array): Promise<void> {
  const taken = await till.take(message)
  note(audit.world, `till: ${taken.ok ? (taken.fault ?? 'fine') : taken.reason}`)
  const envelope = decodeMessage(message)
  if (envelope.ok && envelope.value.message.type === 'update') {
    const { channelId, paymentId } = envelope.value.message.update
    const opening = audit.accounts.get(channelId)?.opening
    if (opening && tipOf(audit.chain) >= closingHeight(opening)) audit.world.counts.late += 1
    await release(audit, node, till, paymentId)
  }
}

/** Gives the goods of a payment that is paid, once. */
export async function release(audit: Audit, node: TillNode, till: Till, paymentId: Uint8Array): Promise<boolean> {
  const name = nameOf(paymentId)
  if (node.released.has(name)) return true
  if (!(await till.isPaid(paymentId))) return false
  if (node.released.has(name)) return true
  node.released.add(name)
  const record = node.disk.records.get(keys.payment(paymentId))
  auditRelease(audit, record ? paymentFrom(record.bytes) : null)
  return true
}

async function watch(world: World, node: TillNode, till: Till): Promise<void> {
  for (;;) {
    try {
      for (const { error } of await till.watch()) reportBug(world, error)
      const { paid, spent, credit } = await till.income()
      if (paid !== spent + credit) throw new InvariantError('OW11: the books do not balance')
    } catch (error) {
      reportBug(world, error)
    }
    await untilWoken(world, node, node.bells, watchTicks)
  }
}

function tillWorld(audit: Audit, node: TillNode, { secretKey }: TillSetup): TillWorld {
  const { world, chain, accounts } = audit
  return {
    store: storeOn(world, node, node.disk),
    signer: localTillSigner([secretKey]),
    clock: { now: () => world.now * tickMs },
    chain: {
      view: async (opening: Opening) => {
        const view = await call(world, node, 'chain', () => viewOf(chain, opening))
        const account = accounts.get(channelIdOf(opening))
        if (account) account.shown = { view, at: world.now }
        return view
      },
      broadcast: async (transaction) => {
        auditTillBroadcast(audit, transaction)
        await call(world, node, 'chain', () => send(audit, node, transaction))
      },
      feerate: () => call(world, node, 'chain', () => tillFeerate),
    },
    link: {
      send: async (id, bytes) => {
        const envelope = decodeMessage(bytes)
        if (envelope.ok && !isFromPayer(envelope.value.message)) auditTillSend(audit, envelope.value.message)
        const mail = accounts.get(id)?.box.toPayer
        await call(world, node, 'box', () => mail && post(mail, bytes))
      },
      deposit: async (deposit) => {
        auditDeposit(audit, deposit)
        const account = accounts.get(deposit.channelId)
        await call(world, node, 'box', () => account && leave(audit, account, deposit))
      },
    },
  }
}

/** True while some channel is so close to its expiry that the till must be let to close it. */
function isClosingTime({ chain, accounts }: Audit): boolean {
  const tip = tipOf(chain)
  for (const { opening, payee } of accounts.values())
    if (payee && payee.phase !== 'closed' && tip >= closingHeight(opening) + graceBlocks) return true
  return false
}
