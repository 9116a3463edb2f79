import { useFastEngine } from '../edge/executor/parallel/fastEngine.ts'

// Every engine holds to one suite (test/contracts/engine.ts), noble too; what is built on it need not wait for noble.
useFastEngine()
