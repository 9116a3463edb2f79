export { type CryptoEngine, currentEngine, keccak256, type Signature, sha256, useEngine } from './engine.ts'
export { nobleEngine } from './noble.ts'
