import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly abi: readonly unknown[]; readonly evm: { readonly bytecode: { readonly object: string } } }
        >
      >
    >
  >
}

const source = join(import.meta.dirname, '../../../../sdk/channel/swap/HashLock.sol')

/** What the npm solc makes of HashLock.sol. It takes seconds, and much memory. */
export function compileHashLock(): { readonly code: string; readonly abi: readonly unknown[] } {
  const solc = createRequire(import.meta.url)('solc') as { readonly compile: (input: string) => string }
  const input = {
    language: 'Solidity',
    sources: { 'HashLock.sol': { content: readFileSync(source, 'utf8') } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 10_000 },
      // The code is the same wherever it is compiled.
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const { errors = [], contracts } = JSON.parse(solc.compile(JSON.stringify(input))) as Output
  const found = contracts?.['HashLock.sol']?.HashLock
  if (!found || errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return { code: `0x${found.evm.bytecode.object}`, abi: found.abi }
}
