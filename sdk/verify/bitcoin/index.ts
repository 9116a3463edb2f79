export { type BitcoinBlock, verifyBlock } from './block.ts'
export {
  type BlockPoint,
  type Burial,
  burialOf,
  checkpointAt,
  type Extension,
  extendChain,
  extendMax,
  type HeaderChain,
  headerAt,
  headersMaxMax,
  type Reorg,
  rivalsMax,
  startChain,
  tipOf,
} from './chain.ts'
export { agreedBlock, type Checkpoint, genesisCheckpoint, type VouchedBlock } from './checkpoint.ts'
export {
  buildFilter,
  type FilterQuestion,
  filterBytesMax,
  filterHeaderAfter,
  filterHeaderOf,
  filterItemsMax,
  mayMatch,
  scriptsMadeBy,
} from './filter.ts'
export { hashText } from './hash.ts'
export {
  type BitcoinHeader,
  decodeHeader,
  decodeTarget,
  encodeTarget,
  headerSize,
  meetsOwnTarget,
  workOf,
} from './header.ts'
export { type Inclusion, type InclusionProof, proveInclusion, verifyInclusion } from './inclusion.ts'
export { decodeMerkleBlock, decodeMerkleProof, type MerkleBlock } from './merkleBlock.ts'
export { type BitcoinNetwork, bitcoinNetworks } from './network.ts'
export { type ConfirmedOutput, type ConfirmedVerdict, type OutputClaim, verifyOutput } from './output.ts'
export { decodeChain, encodeChain } from './snapshot.ts'
export {
  type BitcoinTransaction,
  decodeTransaction,
  type TransactionInput,
  type TransactionOutput,
} from './transaction.ts'
