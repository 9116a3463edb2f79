export { ripemd160 } from '@noble/hashes/legacy.js'
