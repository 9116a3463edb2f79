import { type Decoded, type ErrorCode, SdkError } from '../../../sdk/errors.ts'
import { parseMnemonic } from '../../../sdk/keys/index.ts'

/** The development mnemonic that Hardhat and Anvil publish, with the first accounts they print for it. Test data only. */
export const testMnemonic = 'test test test test test test test test test test test junk'
export const testAccounts = [
  '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
  '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
]
/** The secret key they print for the first of them. */
export const testSecretKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

/** The mnemonic of BIP-84 and BIP-86. Test data only. */
export const publishedMnemonicText = `${'abandon '.repeat(11)}about`
export const publishedMnemonic = must(parseMnemonic(publishedMnemonicText))

/** The value of something that decoded. */
export function must<value>(decoded: Decoded<value>): value {
  if (!decoded.ok) throw new Error(`Refused: ${decoded.reason}.`)
  return decoded.value
}

/** The code of the SdkError that `run` throws. */
export function codeOf(run: () => unknown): ErrorCode | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof SdkError) return error.code
    throw error
  }
  return undefined
}
