export {
  type CryptoEngine,
  currentEngine,
  type KeyMultiple,
  keccak256,
  type Signature,
  sha256,
  useEngine,
  type XOnlyKey,
} from './engine.ts'
export { hmacSha256 } from './hmac.ts'
export { nobleEngine } from './noble.ts'
