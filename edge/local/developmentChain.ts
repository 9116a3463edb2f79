import { currentEngine } from '../../sdk/crypto/engine.ts'
import { invariant } from '../../sdk/errors.ts'
import { type Fork, type Prepared, type Signed, seal, signingHash } from '../../sdk/evm/index.ts'
import { accountStep, addressOfKey, evmAccountsPath, hdNode, parseMnemonic, seedOf } from '../../sdk/keys/index.ts'
import { type Address, address, chainId } from '../../sdk/units.ts'
import type { NodeOptions } from '../executor/parallel/node/node.ts'

/** The chain and the mnemonic that development nodes have in common: known to everybody, so of no worth. */
const developmentId = chainId(31_337)
const mnemonicText = 'test test test test test test test test test test test junk'
const etherEach = 10_000n * 10n ** 18n
/** Fixed, so that the same chain can be opened again: the genesis is part of its name. In seconds since 1970. */
const genesisTime = 1_750_000_000n
const genesisBaseFee = 1_000_000_000n
/** Room for a full envelope of transactions that each have the most gas there is (EIP-7825). */
const gasLimit = 256n * 16_777_216n
const feeRecipient = address(`0x${'00'.repeat(20)}`)

export interface DevelopmentChain {
  readonly fork: Fork
  /** Accounts with ether, which the node signs for. */
  readonly accounts: number
  /** How long the first transaction of a block waits for others. */
  readonly blockMs: number
}

/** A chain with funded accounts, as development nodes start it: what {@link openNode} needs to know of it. */
export function developmentChain({ fork, accounts, blockMs }: DevelopmentChain) {
  const unlocked = developmentAccounts(accounts)
  return {
    chainId: developmentId,
    fork,
    genesis: {
      kind: 'genesis',
      accounts: [...unlocked.keys()].map((account) => ({
        address: account,
        nonce: 0n,
        balance: etherEach,
        code: new Uint8Array(0),
        slots: [],
      })),
      environment: { timestamp: genesisTime, feeRecipient, gasLimit, baseFeePerGas: genesisBaseFee },
    },
    production: { feeRecipient, gasLimit, blockMs },
    unlocked,
  } satisfies Partial<NodeOptions>
}

function developmentAccounts(count: number): ReadonlyMap<Address, (prepared: Prepared) => Signed> {
  const mnemonic = parseMnemonic(mnemonicText)
  invariant(mnemonic.ok, 'the published mnemonic can be read')
  const parent = hdNode(seedOf(mnemonic.value)).derive(evmAccountsPath())
  const signers = new Map<Address, (prepared: Prepared) => Signed>()
  for (let index = 0; index < count; index++) {
    const secretKey = parent.secretKey(accountStep(index))
    signers.set(addressOfKey(currentEngine().publicKey(secretKey)), (prepared) =>
      seal(prepared, currentEngine().sign(signingHash(prepared), secretKey)),
    )
  }
  return signers
}
