import { decodeTransaction, encodeTransaction, p2wpkh, p2wsh, sequenceReplaceable } from '../../sdk/bitcoin/index.ts'
import { p2pkh } from '../../sdk/bitcoin/script.ts'
import {
  fundingOutput,
  type isAuthentic,
  type Opening,
  type payeeStep,
  type payerStep,
  type Terms,
} from '../../sdk/channel/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import { invariant } from '../../sdk/errors.ts'
import type { Till, TillWorld } from '../../sdk/till/index.ts'
import { height, sats, toHex, txid } from '../../sdk/units.ts'
import type { keepBest } from './box.ts'
import { faucetValue, faucetWitness, firstHeight } from './chain.ts'
import type { PayerWorld } from './payerShell.ts'
import type { Random } from './random.ts'
import type { Faults } from './world.ts'

/** A defect put in on purpose, to see whether the simulation notices. */
export interface Mutant {
  readonly name: string
  readonly payee?: (step: typeof payeeStep) => typeof payeeStep
  readonly payer?: (step: typeof payerStep) => typeof payerStep
  readonly tillWorld?: (world: TillWorld) => TillWorld
  readonly payerWorld?: (world: PayerWorld) => PayerWorld
  /** `sealed` gives a message the right tag. */
  readonly till?: (till: Till, sealed: (message: Uint8Array) => Uint8Array) => Till
  /** How the box keeps a deposit. */
  readonly keep?: typeof keepBest
  /** Whether the payer takes a message for the payee's. */
  readonly isAuthentic?: typeof isAuthentic
}

/** Blocks between the till's time to close and the expiry. */
const marginBlocks = 12

/** How likely each fault is where a world has it at all. About half of them are absent from each world. */
const ratesMax: Faults = {
  drop: 0.15,
  lostAnswer: 0.1,
  double: 0.15,
  delay: 0.3,
  partition: 0.02,
  crash: 0.03,
  diskFull: 0.02,
  unknownEnd: 0.04,
  noise: 0.5,
  reorg: 0.25,
  hostile: 0.5,
  restore: 0.6,
  tillLost: 0.3,
  feeSpike: 0,
}

/** Faults that come once in a life, and so are drawn for few worlds. */
const rare: readonly (keyof Faults)[] = ['restore', 'tillLost', 'hostile']
const rareShare = 0.3

export function drawFaults(random: Random): Faults {
  const names = Object.keys(ratesMax) as (keyof Faults)[]
  const rates = names.map((name) => {
    const isThere = random.chance(rare.includes(name) ? rareShare : 0.5)
    return [name, isThere ? ratesMax[name] * random.pick([0.3, 1]) : 0]
  })
  return Object.fromEntries(rates) as Faults
}

export function drawTerms(random: Random, payeeSecret: Uint8Array): Terms {
  const confirmationsMin = random.from(1, 3)
  return {
    network: 'regtest',
    payeeKey: currentEngine().publicKey(payeeSecret),
    payeeScript: drawScript(random),
    closeFee: sats(BigInt(random.from(200, 500))),
    confirmationsMin,
    capacityMin: sats(3_000n),
    capacityMax: sats(60_000n),
    expiryBlocksMin: marginBlocks + 8,
    expiryBlocksMax: 60,
    marginBlocks,
  }
}

/** A payer's answer to terms, and the transaction that funds it. */
export function drawOpening(random: Random, terms: Terms, payerSecret: Uint8Array) {
  const answer = {
    terms,
    payerKey: currentEngine().publicKey(payerSecret),
    payerScript: drawScript(random),
    capacity: sats(BigInt(random.from(3_000, 30_000))),
    // A little is added for the time until the till looks at it.
    expiry: height(firstHeight + terms.expiryBlocksMin + random.from(6, 38)),
  }
  const inputs = [
    { outpoint: { txid: txid(toHex(random.bytes(32)).slice(2)), index: 0 }, sequence: sequenceReplaceable },
  ]
  const change = { script: drawScript(random), value: sats(faucetValue - answer.capacity - 500n) }
  const outputs = random.chance(0.5) ? [fundingOutput(answer), change] : [change, fundingOutput(answer)]
  const transaction = encodeTransaction({ version: 2, inputs, outputs, locktime: 0 }, [[faucetWitness]])
  const decoded = decodeTransaction(transaction)
  invariant(decoded.ok, 'the funding transaction is one')
  const index = outputs[0] === change ? 1 : 0
  const opening: Opening = { ...answer, funding: { txid: decoded.value.txid, index } }
  return { opening, transaction }
}

function drawScript(random: Random): Uint8Array {
  const key = random.bytes(33)
  return random.pick([() => p2wpkh(key), () => p2wsh(key), () => p2pkh(key.slice(0, 20))])()
}
