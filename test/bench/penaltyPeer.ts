import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { p2wsh } from 'bitcoinjs-lib/src/payments/p2wsh'
import { compile, OPS } from 'bitcoinjs-lib/src/script'
import { encode as encodeNumber } from 'bitcoinjs-lib/src/script_number'
import { Transaction } from 'bitcoinjs-lib/src/transaction'
import { encodeTransaction } from '../../sdk/bitcoin/index.ts'
import { type Draft, fundingOutput, type SideKeys } from '../../sdk/channel/penalty/index.ts'
import { txid } from '../../sdk/units.ts'

/** A transaction with the funding output of a channel; what it spends is nobody's. */
export function fundingOfDraft(draft: Draft, accepterKeys: SideKeys): Uint8Array {
  const inputs = [{ outpoint: { txid: txid('ab'.repeat(32)), index: 0 }, sequence: 0xfffffffd }]
  const unsigned = { version: 2, inputs, outputs: [fundingOutput({ draft, accepterKeys })], locktime: 0 }
  return encodeTransaction(unsigned, [[Uint8Array.of(0x51)]])
}

interface PlainSide {
  readonly funding: Uint8Array
  readonly revocation: Uint8Array
  readonly delayed: Uint8Array
  readonly payment: Uint8Array
}

/**
 * One update as bitcoinjs-lib and noble do it: each side builds and signs the other's commitment, builds its own and verifies;
 * each makes its next point, and checks the secret it is told. Keys are derived where a commitment is built.
 */
export function plainUpdate(): () => void {
  const { Point, getPublicKey, sign, verify } = secp256k1
  const raw = { prehash: false, lowS: true } as const
  const secretOf = (text: string) => sha256(new TextEncoder().encode(text))
  const side = (name: string): PlainSide => ({
    funding: secretOf(`${name} funding`),
    revocation: secretOf(`${name} revocation`),
    delayed: secretOf(`${name} delayed`),
    payment: secretOf(`${name} payment`),
  })
  const sides = [side('one'), side('other')] as const
  const publicOf = (one: PlainSide) => ({
    funding: getPublicKey(one.funding),
    revocation: getPublicKey(one.revocation),
    delayed: getPublicKey(one.delayed),
    payment: getPublicKey(one.payment),
  })
  const keys = sides.map(publicOf) as [PlainSide, PlainSide]
  const fundingScript = compile([
    OPS.OP_2 as number,
    keys[0].funding,
    keys[1].funding,
    OPS.OP_2 as number,
    OPS.OP_CHECKMULTISIG as number,
  ])
  let number = 0

  const commitment = (holder: 0 | 1, point: Uint8Array, paid: bigint): Uint8Array => {
    const [own, other] = [keys[holder], keys[1 - holder] as PlainSide]
    const scalar = (first: Uint8Array, second: Uint8Array) =>
      Point.Fn.fromBytes(sha256(Uint8Array.of(...first, ...second)))
    const base = Point.fromBytes(other.revocation)
    const at = Point.fromBytes(point)
    const revocation = base
      .multiplyUnsafe(scalar(other.revocation, point))
      .add(at.multiplyUnsafe(scalar(point, other.revocation)))
      .toBytes(true)
    const delayed = Point.fromBytes(own.delayed)
      .add(Point.BASE.multiply(scalar(point, own.delayed)))
      .toBytes(true)
    const { OP_IF, OP_ELSE, OP_ENDIF, OP_CHECKSEQUENCEVERIFY, OP_DROP, OP_CHECKSIG, OP_CHECKSIGVERIFY, OP_1 } =
      OPS as unknown as Record<string, number>
    const { OP_IFDUP, OP_NOTIF, OP_16 } = OPS as unknown as Record<string, number>
    const list = (...parts: (number | undefined | Uint8Array)[]) => compile(parts as (number | Uint8Array)[])
    const toHolder = list(
      OP_IF,
      revocation,
      OP_ELSE,
      encodeNumber(144),
      OP_CHECKSEQUENCEVERIFY,
      OP_DROP,
      delayed,
      OP_ENDIF,
      OP_CHECKSIG,
    )
    const toOther = list(other.payment, OP_CHECKSIGVERIFY, OP_1, OP_CHECKSEQUENCEVERIFY)
    const anchor = (key: Uint8Array) =>
      list(key, OP_CHECKSIG, OP_IFDUP, OP_NOTIF, OP_16, OP_CHECKSEQUENCEVERIFY, OP_ENDIF)
    const transaction = new Transaction()
    transaction.version = 2
    transaction.locktime = 0x20000000 + number
    transaction.addInput(new Uint8Array(32), 0, 0x80000000)
    const outputs = [
      { script: toHolder, value: 5_000_000n - paid },
      { script: toOther, value: 4_998_216n + paid },
      { script: anchor(own.funding), value: 330n },
      { script: anchor(other.funding), value: 330n },
    ]
    for (const { script, value } of outputs.sort((a, b) => Number(a.value - b.value)))
      transaction.addOutput(p2wsh({ redeem: { output: script } }).output as Uint8Array, value)
    return transaction.hashForWitnessV0(0, fundingScript, 10_000_000n, Transaction.SIGHASH_ALL)
  }

  return () => {
    number += 1
    for (const holder of [0, 1] as const) {
      const secret = secretOf(`secret ${holder} ${number}`)
      const point = getPublicKey(secret)
      const signer = sides[1 - holder] as PlainSide
      const signature = sign(commitment(holder, point, BigInt(number)), signer.funding, raw)
      const isSigned = verify(
        signature,
        commitment(holder, point, BigInt(number)),
        (keys[1 - holder] as PlainSide).funding,
        raw,
      )
      const isRevealed = getPublicKey(secret).every((byte, index) => byte === point[index])
      if (!isSigned || !isRevealed) throw new Error('The update does not hold.')
    }
  }
}
