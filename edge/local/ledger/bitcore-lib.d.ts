/** The part of bitcore-lib, which has no types of its own, that the ledger uses. */
declare module 'bitcore-lib' {
  export class Script {
    constructor(bytes: Buffer)
    toBuffer(): Buffer
    toASM(): string
    /** `false` where the script has no address. */
    toAddress(network: string): Address | false
    static fromAddress(address: Address): Script
    static readonly Interpreter: typeof Interpreter
  }

  export class Address {
    toString(): string
    /** Throws when the text is no address of the network. */
    static fromString(text: string, network: string): Address
  }

  export class Output {
    constructor(fields: { satoshis: number; script: Script })
  }

  export class Input {
    script: Script | null
    /** What is spent; digests of taproot cover it. */
    output: Output
    /** `null` without any. */
    witnesses: Buffer[] | null
  }

  export class Transaction {
    version: number
    readonly inputs: Input[]
    /** Txid as it is printed. */
    readonly id: string
    /** Throws when the bytes are cut short. */
    fromBuffer(bytes: Buffer): this
    static readonly Output: typeof Output
  }

  export class Interpreter {
    flags: number
    /** Why the last run failed; empty for some failures. */
    errstr: string
    verify(
      scriptSig: Script,
      scriptPubkey: Script,
      transaction: Transaction,
      input: number,
      flags: number,
      witness: Buffer[],
      satoshis: number,
    ): boolean
    /** What is judged. */
    tx: Transaction
    checkSignatureEncoding(signature: Buffer): boolean
    /** Whether the input is as old as an OP_CHECKSEQUENCEVERIFY demands. */
    checkSequence(sequence: unknown): boolean
    static readonly SCRIPT_VERIFY_P2SH: number
    static readonly SCRIPT_VERIFY_STRICTENC: number
    static readonly SCRIPT_VERIFY_DERSIG: number
    static readonly SCRIPT_VERIFY_LOW_S: number
    static readonly SCRIPT_VERIFY_NULLDUMMY: number
    static readonly SCRIPT_VERIFY_MINIMALDATA: number
    static readonly SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS: number
    static readonly SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY: number
    static readonly SCRIPT_VERIFY_CHECKSEQUENCEVERIFY: number
    static readonly SCRIPT_VERIFY_WITNESS: number
    static readonly SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM: number
    static readonly SCRIPT_VERIFY_MINIMALIF: number
    static readonly SCRIPT_VERIFY_NULLFAIL: number
    static readonly SCRIPT_VERIFY_WITNESS_PUBKEYTYPE: number
    static readonly SCRIPT_VERIFY_CONST_SCRIPTCODE: number
    static readonly SCRIPT_VERIFY_TAPROOT: number
    static readonly SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_TAPROOT_VERSION: number
    static readonly SCRIPT_VERIFY_DISCOURAGE_OP_SUCCESS: number
    static readonly SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_PUBKEYTYPE: number
  }

  const bitcore: {
    Script: typeof Script
    Address: typeof Address
    Transaction: typeof Transaction
    crypto: {
      BN: { prototype: { toBuffer(options?: { size?: number }): Buffer } }
      /** The generator, as a point of the library that bitcore-lib computes with. */
      Point: { getG(): { x: object } }
    }
  }
  export default bitcore
}
