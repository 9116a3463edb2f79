export {
  accountStep,
  addressOfKey,
  evmAccountsPath,
  type HdNode,
  hdNode,
  type Path,
  parseExtendedKey,
  parsePath,
  pathDepthMax,
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
