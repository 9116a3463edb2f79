// Before anything has hashed by SHA-512: noble's adds in objects of a shape that its Keccak widens when it is loaded. Where that
// happens later, as with viem, V8 of Node 20 can leave SHA-512 uncompiled for good, and it takes thirty times as long.
import '@noble/hashes/sha3.js'
import './equality.ts'
import { useFastEngine } from '../edge/executor/parallel/fastEngine.ts'

// Every engine holds to one suite (test/contracts/engine.ts), noble too; what is built on it need not wait for noble.
useFastEngine()
