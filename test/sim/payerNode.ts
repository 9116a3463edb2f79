import {
  channelIdOf,
  decodeMessage,
  encodeMessage,
  isAuthentic,
  isFromPayer,
  linkKeyOf,
  openPayer,
  type Payer,
  payerStep,
} from '../../sdk/channel/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import { feerate } from '../../sdk/units.ts'
import { type Account, type Audit, auditPayer, auditPayerBroadcast, auditPayerSend } from './audit.ts'
import { post } from './box.ts'
import { broadcast, viewOf } from './chain.ts'
import { type Disk, storeOn } from './disk.ts'
import { readMail, untilWoken } from './mailman.ts'
import { defaultRefundFeerate, openPayerShell, type PayerShell, type PayerWorld } from './payerShell.ts'
import type { Mutant } from './setting.ts'
import { call, fail, note, reportBug, type SimNode, type World } from './world.ts'

/** A payer's process with its one channel, and the disk under it. */
export interface PayerNode extends SimNode {
  readonly account: Account
  readonly secretKey: Uint8Array
  readonly fundingTransaction: Uint8Array
  readonly linkKey: Uint8Array
  readonly disk: Disk
  readonly bells: (() => unknown)[]
  shell: PayerShell | null
  /** The shopper wants the channel closed, at this feerate. */
  closeFeerate: number | null
}

interface PayerSetup {
  readonly name: string
  readonly account: Account
  readonly secretKey: Uint8Array
  readonly fundingTransaction: Uint8Array
  readonly mutant: Mutant | null
}

/** How often the payer looks after its channel by itself. */
const tendTicks = 60
/** A tick of the world on the payer's clock. */
const tickMs = 1_000

export function createPayer(audit: Audit, setup: PayerSetup): PayerNode {
  const { name, account, secretKey } = setup
  const { opening } = account
  const secret = currentEngine().sharedSecret(secretKey, opening.terms.payeeKey)
  const node: PayerNode = {
    name,
    account,
    secretKey,
    fundingTransaction: setup.fundingTransaction,
    linkKey: linkKeyOf(secret, channelIdOf(opening)),
    disk: { records: new Map(), onCommit: (writes) => auditPayer(audit, account, writes) },
    bells: [],
    shell: null,
    closeFeerate: null,
    life: { alive: false },
    cutUntil: new Map(),
    reached: new Map(),
    calls: 0,
    isSpared: () => false,
    start: () => begin(audit, node, setup),
  }
  return node
}

function begin(audit: Audit, node: PayerNode, { mutant, fundingTransaction }: PayerSetup): void {
  const { world } = audit
  const plain = payerWorld(audit, node, mutant)
  const shell = openPayerShell(mutant?.payerWorld?.(plain) ?? plain)
  node.shell = shell
  node.bells.length = 0
  void offer(world, node, shell, fundingTransaction).then(() => {
    void readMail(world, node, node.account.box.toPayer, (message) =>
      take(node, shell, message, mutant?.isAuthentic ?? isAuthentic),
    )
    void tend(world, node, shell)
  })
}

/** Stores the channel where it is not stored yet, however often it takes. */
async function offer(world: World, node: PayerNode, shell: PayerShell, funding: Uint8Array): Promise<void> {
  for (;;) {
    try {
      if (!node.account.payer) await shell.begin(openPayer(node.account.opening, funding))
      return await shell.tend()
    } catch (error) {
      reportBug(world, error)
      await untilWoken(world, node, node.bells, tendTicks)
    }
  }
}

async function take(
  node: PayerNode,
  shell: PayerShell,
  bytes: Uint8Array,
  isFromPayee: typeof isAuthentic,
): Promise<void> {
  const envelope = decodeMessage(bytes)
  if (!envelope.ok || !isFromPayee(envelope.value, node.linkKey)) return
  if (isFromPayer(envelope.value.message)) return
  // What only a mutant takes reaches the desk under the right tag.
  const isRight = isFromPayee === isAuthentic
  await shell.take(isRight ? bytes : encodeMessage(envelope.value.message, node.linkKey))
}

/** Looks at the chain, sends again what is unanswered, and asks to close if that is wanted. */
async function tend(world: World, node: PayerNode, shell: PayerShell): Promise<void> {
  for (;;) {
    await untilWoken(world, node, node.bells, tendTicks)
    try {
      await shell.tend()
      const channel = node.account.payer
      if (node.closeFeerate !== null && channel && wantsAsk(channel)) {
        await shell.askClose(feerate(node.closeFeerate))
        // Refused as too low, it is asked at a higher one the next time.
        node.closeFeerate = Math.min(10_000, node.closeFeerate * 2)
      }
    } catch (error) {
      reportBug(world, error)
    }
  }
}

function wantsAsk(channel: Payer): boolean {
  return channel.phase === 'open' || (channel.phase === 'closing' && channel.ask === null)
}

function payerWorld(audit: Audit, node: PayerNode, mutant: Mutant | null): PayerWorld {
  const { world, chain } = audit
  const { account } = node
  return {
    id: channelIdOf(account.opening),
    store: storeOn(world, node, node.disk),
    now: () => world.now * tickMs,
    onError: (error) => reportBug(world, error),
    secretKey: node.secretKey,
    step: mutant?.payer?.(payerStep) ?? payerStep,
    refundFeerate: defaultRefundFeerate,
    send: async (message, bytes) => {
      auditPayerSend(audit, account, message)
      await call(world, node, 'box', () => post(account.box.toPayee, bytes))
    },
    view: (opening) => call(world, node, 'chain', () => viewOf(chain, opening)),
    broadcast: async (transaction) => {
      auditPayerBroadcast(audit, account, transaction)
      await call(world, node, 'chain', () => send(audit, node, transaction))
    },
    onSigned: (signed) => {
      if ('update' in signed) account.signed.push(signed.update)
      if ('ask' in signed) account.asks.push(signed.ask)
    },
    onHint: (effect) => {
      note(world, `${node.name}: ${effect.type} ${effect.fault ?? ''}`)
    },
  }
}

/** Why nodes refuse a transaction of an honest process: another one came first. */
const conflictsOnly = /it conflicts with|an input is spent|an input is missing/

/** Broadcasts as a process does, for which a transaction that lost against another one is no failure. */
export function send({ world, chain }: Audit, node: SimNode, transaction: Uint8Array): void {
  try {
    broadcast(chain, transaction)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    if (!conflictsOnly.test(error.message)) fail(world, `${node.name} broadcast what no node takes: ${error.message}`)
  }
}
