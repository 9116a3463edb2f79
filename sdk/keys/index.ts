export type { KeyVersions } from '../crypto/hdKey.ts'
export { type BitcoinKeyring, createBitcoinKeyring, type InputToSign, type PrintedAccountKey } from './bitcoinKeys.ts'
export {
  accountStep,
  addressOfKey,
  type BitcoinAccountKind,
  bitcoinAccountPath,
  channelStep,
  channelsPath,
  evmAccountsPath,
  type Path,
  parsePath,
  pathDepthMax,
  plainStepsBelow,
} from './derivation.ts'
export { type HdNode, hdNode, parseExtendedKey } from './hdNode.ts'
export { accountsMax, createKeyring, type Keyring, singleKeyring } from './localKeys.ts'
export {
  entropyOf,
  type Mnemonic,
  mnemonicFromEntropy,
  mnemonicTextMax,
  parseMnemonic,
  type SeedInputs,
  seedInputs,
  seedOf,
} from './mnemonic.ts'
