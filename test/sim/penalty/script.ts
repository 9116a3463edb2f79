import { decode as decodeNumber } from 'bitcoinjs-lib/src/script_number'
import { decode as decodeSignature } from 'bitcoinjs-lib/src/script_signature'
import { Transaction } from 'bitcoinjs-lib/src/transaction'
import { type BitcoinTransaction, type Output, p2wpkh, p2wsh } from '../../../sdk/bitcoin/index.ts'
import { currentEngine, sha256 } from '../../../sdk/crypto/index.ts'
import { ripemd160 } from '../../../sdk/crypto/ripemd160.ts'
import { sameBytes } from '../../../sdk/units.ts'

/** What a script is run against. */
interface Spend {
  readonly transaction: BitcoinTransaction
  readonly raw: Transaction
  readonly at: number
  readonly script: Uint8Array
  readonly value: bigint
}

const yes = Uint8Array.of(1)
const no = new Uint8Array(0)

/**
 * Judges a P2WSH or P2WPKH spend by running its script: an interpreter of the few instructions that two-way channels have,
 * written apart from what writes them. Signatures are judged by whichever engine is in use.
 */
export function runScript(
  bytes: Uint8Array,
  transaction: BitcoinTransaction,
  at: number,
  output: Output,
): string | null {
  const witness = [...(transaction.inputs[at]?.witness ?? [])]
  const raw = Transaction.fromBuffer(bytes.slice())
  const last = witness.pop()
  if (!last) return 'there is no witness'
  if (witness.length === 1 && sameBytes(output.script, p2wpkh(last))) {
    const { hash160 } = currentEngine()
    const script = Uint8Array.of(0x76, 0xa9, 20, ...hash160(last), 0x88, 0xac)
    const spend = { transaction, raw, at, script, value: output.value }
    return isSigned(spend, witness[0] as Uint8Array, last) ? null : 'a signature is wrong'
  }
  if (!sameBytes(output.script, p2wsh(last))) return 'the script is not that of the output'
  try {
    const stack = execute(witness, { transaction, raw, at, script: last, value: output.value })
    return stack.length === 1 && isTrue(stack[0] as Uint8Array) ? null : 'the script ends with no'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function execute(stack: Uint8Array[], spend: Spend): Uint8Array[] {
  /** Whether each enclosing branch is taken. */
  const branches: boolean[] = []
  for (let at = 0; at < spend.script.length; ) {
    const code = spend.script[at] as number
    at += 1
    if (code >= 1 && code <= 75) {
      if (!branches.includes(false)) stack.push(spend.script.slice(at, at + code))
      at += code
    } else if (code === 0x63 || code === 0x64) {
      const isRun = !branches.includes(false)
      branches.push(isRun && isTrue(condition(pop(stack, isRun))) === (code === 0x63))
      if (!isRun) branches[branches.length - 1] = false
    } else if (code === 0x67) flip(branches)
    else if (code === 0x68) branches.pop()
    else if (!branches.includes(false)) run(code, stack, spend)
  }
  if (branches.length > 0) throw new Error('a branch has no end')
  return stack
}

function run(code: number, stack: Uint8Array[], spend: Spend): void {
  if (code === 0) return void stack.push(no)
  if (code >= 0x51 && code <= 0x60) return void stack.push(Uint8Array.of(code - 0x50))
  switch (code) {
    case 0x73: // IFDUP
      return isTrue(peek(stack)) ? void stack.push(peek(stack)) : undefined
    case 0x75: // DROP
      return void pop(stack)
    case 0x76: // DUP
      return void stack.push(peek(stack))
    case 0x7c: // SWAP
      return void stack.push(pop(stack), pop(stack))
    case 0x82: // SIZE
      return void stack.push(Uint8Array.of(peek(stack).length).slice(peek(stack).length === 0 ? 1 : 0))
    case 0x87: // EQUAL
      return void stack.push(sameBytes(pop(stack), pop(stack)) ? yes : no)
    case 0x88: // EQUALVERIFY
      return must(sameBytes(pop(stack), pop(stack)), 'two items differ')
    case 0xa9: // HASH160
      return void stack.push(ripemd160(sha256(pop(stack))))
    case 0xac: // CHECKSIG
      return void stack.push(checkSig(stack, spend) ? yes : no)
    case 0xad: // CHECKSIGVERIFY
      return must(checkSig(stack, spend), 'a signature is wrong')
    case 0xae: // CHECKMULTISIG
      return void stack.push(checkMultisig(stack, spend) ? yes : no)
    case 0xb1: // CHECKLOCKTIMEVERIFY
      return must(spend.transaction.locktime >= numberOf(peek(stack)), 'the locktime has not come')
    case 0xb2: // CHECKSEQUENCEVERIFY
      return must(
        (spend.transaction.inputs[spend.at]?.sequence ?? 0) >= numberOf(peek(stack)),
        'the delay has not passed',
      )
    default:
      throw new Error(`instruction ${code} is not known here`)
  }
}

function checkSig(stack: Uint8Array[], spend: Spend): boolean {
  const key = pop(stack)
  const signature = pop(stack)
  if (signature.length === 0) return false
  must(isSigned(spend, signature, key), 'a signature is wrong') // NULLFAIL
  return true
}

/** Two of two, as funding and HTLCs have it. */
function checkMultisig(stack: Uint8Array[], spend: Spend): boolean {
  const count = numberOf(pop(stack))
  const keys = Array.from({ length: count }, () => pop(stack))
  const required = numberOf(pop(stack))
  must(count === 2 && required === 2, 'it is not two of two')
  const signatures = Array.from({ length: required }, () => pop(stack))
  must(pop(stack).length === 0, 'the item too many is not empty')
  return signatures.every((signature, at) => isSigned(spend, signature, keys[at] as Uint8Array))
}

function isSigned({ raw, at, script, value }: Spend, der: Uint8Array, key: Uint8Array): boolean {
  const { signature, hashType } = decodeSignature(der)
  return currentEngine().verify(signature, raw.hashForWitnessV0(at, script, value, hashType), key)
}

function condition(item: Uint8Array): Uint8Array {
  must(item.length === 0 || sameBytes(item, yes), 'a branch is not chosen by exactly yes or no')
  return item
}

function flip(branches: boolean[]): void {
  const outer = branches.slice(0, -1)
  const taken = branches.at(-1)
  must(taken !== undefined, 'there is no branch')
  branches[branches.length - 1] = !outer.includes(false) && !taken
}

function isTrue(item: Uint8Array): boolean {
  return item.some((byte) => byte !== 0)
}

function numberOf(item: Uint8Array): number {
  return decodeNumber(item, 5)
}

function peek(stack: readonly Uint8Array[]): Uint8Array {
  const item = stack.at(-1)
  if (!item) throw new Error('the stack is empty')
  return item
}

function pop(stack: Uint8Array[], isRun = true): Uint8Array {
  if (!isRun) return no
  const item = peek(stack)
  stack.pop()
  return item
}

function must(fact: unknown, fault: string): void {
  if (!fact) throw new Error(fault)
}
