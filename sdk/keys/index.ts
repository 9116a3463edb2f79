export { type BitcoinKeyring, createBitcoinKeyring, type InputToSign, type PrintedAccountKey } from './bitcoinKeys.ts'
export {
  accountStep,
  addressOfKey,
  type BitcoinAccountKind,
  bitcoinAccountPath,
  channelStep,
  channelsPath,
  evmAccountsPath,
  type HdNode,
  hdNode,
  type KeyVersions,
  type Path,
  parseExtendedKey,
  parsePath,
  pathDepthMax,
  plainStepsBelow,
} from './derivation.ts'
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
