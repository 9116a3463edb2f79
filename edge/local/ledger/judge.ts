import bitcore, { type Interpreter, type Script } from 'bitcore-lib'
import type { LedgerTransaction, Output } from './transaction.ts'

/** `block`: what a block may hold. `relay`: what a mempool takes, which is less. */
export type Rules = 'block' | 'relay'

const verify = bitcore.Script.Interpreter

/** What consensus demands of every script today (Bitcoin Core, MANDATORY_SCRIPT_VERIFY_FLAGS). */
const blockFlags =
  verify.SCRIPT_VERIFY_P2SH |
  verify.SCRIPT_VERIFY_DERSIG |
  verify.SCRIPT_VERIFY_NULLDUMMY |
  verify.SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY |
  verify.SCRIPT_VERIFY_CHECKSEQUENCEVERIFY |
  verify.SCRIPT_VERIFY_WITNESS |
  verify.SCRIPT_VERIFY_TAPROOT

/**
 * And what Core relays (STANDARD_SCRIPT_VERIFY_FLAGS), but for CLEANSTACK: the interpreter looks at the wrong stack for
 * it and refuses every witness spend. For witness spends a clean stack is consensus, and checked with or without.
 */
const relayFlags =
  blockFlags |
  verify.SCRIPT_VERIFY_STRICTENC |
  verify.SCRIPT_VERIFY_LOW_S |
  verify.SCRIPT_VERIFY_MINIMALDATA |
  verify.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS |
  verify.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM |
  verify.SCRIPT_VERIFY_MINIMALIF |
  verify.SCRIPT_VERIFY_NULLFAIL |
  verify.SCRIPT_VERIFY_WITNESS_PUBKEYTYPE |
  verify.SCRIPT_VERIFY_CONST_SCRIPTCODE |
  verify.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION |
  verify.SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS |
  verify.SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE

/**
 * Numbers of bitcore-lib write themselves in as many bytes as they are told to. Those in its points are of another copy of their class,
 * which does not: a taproot key whose x begins with a zero, one of 256, would be hashed a byte short, and what it signed refused.
 */
Object.getPrototypeOf(bitcore.crypto.Point.getG().x).toBuffer = bitcore.crypto.BN.prototype.toBuffer

/** What passed once: an outpoint names the very output it spends, so the answer never changes. Relayed is minable. */
const passed = new WeakSet<LedgerTransaction>()

/**
 * Runs the scripts of every input, signatures included, by an interpreter that shares no code with the SDK.
 *
 * @param spent - The output that each input spends, in order.
 * @returns Why the first failing input fails, or `null` when all hold.
 */
export function judge(transaction: LedgerTransaction, spent: readonly Output[], rules: Rules): string | null {
  if (rules === 'block' && passed.has(transaction)) return null
  const error = run(transaction, spent, rules === 'relay' ? relayFlags : blockFlags)
  if (error === null && rules === 'relay') passed.add(transaction)
  return error
}

function run(transaction: LedgerTransaction, spent: readonly Output[], flags: number): string | null {
  try {
    const parsed = new bitcore.Transaction().fromBuffer(Buffer.from(transaction.raw))
    if (parsed.id !== transaction.txid) return 'SCRIPT_ERR_UNKNOWN_ERROR: two readers disagree'
    const scripts = spent.map(({ script }) => scriptOf(script))
    parsed.inputs.forEach((input, at) => {
      const [output, script] = [spent[at], scripts[at]]
      if (output && script) input.output = new bitcore.Transaction.Output({ satoshis: Number(output.value), script })
    })
    for (const [at, input] of parsed.inputs.entries()) {
      const [output, script] = [spent[at], scripts[at]]
      if (!output || !script) return 'SCRIPT_ERR_UNKNOWN_ERROR: an input spends nothing'
      const interpreter = strictInterpreter()
      const scriptSig = scriptOf(transaction.inputs[at]?.scriptSig ?? new Uint8Array(0))
      const witness = input.witnesses ?? []
      if (!interpreter.verify(scriptSig, script, parsed, at, flags, witness, Number(output.value)))
        return interpreter.errstr || 'SCRIPT_ERR_SCHNORR_SIG'
    }
    return null
  } catch (error) {
    // The interpreter throws on some malformed scripts that Core fails.
    return `SCRIPT_ERR_UNKNOWN_ERROR: ${error instanceof Error ? error.message : 'it threw'}`
  }
}

/**
 * Mends two faults of the library: with LOW_S on, it forgets to check the hash type that STRICTENC asks for, so it is asked
 * twice; and it reads versions with a sign, while BIP-112 compares them without.
 */
function strictInterpreter(): Interpreter {
  const interpreter = new verify()
  const { checkSignatureEncoding, checkSequence } = interpreter
  interpreter.checkSignatureEncoding = function (signature) {
    const { flags } = this
    this.flags = flags & ~verify.SCRIPT_VERIFY_LOW_S
    const strict = checkSignatureEncoding.call(this, signature)
    this.flags = flags
    return strict && checkSignatureEncoding.call(this, signature)
  }
  interpreter.checkSequence = function (sequence) {
    const { version } = this.tx
    this.tx.version = version >>> 0
    const isReached = checkSequence.call(this, sequence)
    this.tx.version = version
    return isReached
  }
  return interpreter
}

function scriptOf(bytes: Uint8Array): Script {
  return new bitcore.Script(Buffer.from(bytes))
}
