import {
  type Account,
  type AccountKey,
  decodeAccountKey,
  multisigAccount,
  singleKeyAccount,
} from '../../../sdk/bitcoin/index.ts'
import { hdNode, parsePath } from '../../../sdk/keys/index.ts'
import { must } from './must.ts'

/** A seed of one byte, over and over, and its keys. */
export function seeded(seed: number) {
  const root = hdNode(new Uint8Array(32).fill(seed))
  const fingerprint = root.fingerprint.toString(16).padStart(8, '0')
  const nodeAt = (path: readonly number[]) => {
    const steps = path.map((step) => (step >= 2 ** 31 ? `${step - 2 ** 31}'` : step))
    return root.derive(must(parsePath(['m', ...steps].join('/'))))
  }
  return {
    fingerprint,
    secretKeyAt: (path: readonly number[]) => nodeAt(path).secretKey(),
    /** The account `m/purpose'/0'/0'`. */
    accountKey(purpose: number): AccountKey {
      const path = [purpose, 0, 0].map((step) => step + 2 ** 31)
      const xpub = nodeAt(path).extendedPublicKey()
      return must(decodeAccountKey({ xpub, network: 'mainnet', origin: { fingerprint, path } }))
    },
  }
}

export const wpkhAccount = (): Account => singleKeyAccount('wpkh', 'mainnet', seeded(1).accountKey(84))
export const trAccount = (): Account => singleKeyAccount('tr', 'mainnet', seeded(1).accountKey(86))
/** 2 of the keys of seeds 1, 2 and 3. */
export const multisigOf3 = (): Account =>
  must(
    multisigAccount(
      'mainnet',
      2,
      [1, 2, 3].map((seed) => seeded(seed).accountKey(48)),
    ),
  )
