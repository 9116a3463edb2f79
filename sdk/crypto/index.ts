export {
  type CryptoEngine,
  currentEngine,
  hmacSha256,
  type KeyMultiple,
  keccak256,
  type Signature,
  sha256,
  useEngine,
  type XOnlyKey,
} from './engine.ts'
export { nobleEngine } from './noble.ts'
