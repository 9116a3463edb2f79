// Takes the modules of the WebAssembly engine out of the locked package `ox`, which carries them as text, and writes them
// as files: workerd takes modules only as such. Other bytes than these stop the build.
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
/** SHA-256 of each module, by the name of its file. */
const known = {
  hashes: '94542e317c6d743a8b4451f00ac8a68e0e7dd76375af55d9737c450e1db321ed',
  secp256k1: '43c2577db864818370d5fc57221369aa1ee2b0211264629f7055c6fdeaec2caa',
}

mkdirSync(join(root, 'dist/crypto'), { recursive: true })
for (const [name, wanted] of Object.entries(known)) {
  const { wasmBase64 } = await import(join(root, `node_modules/ox/dist/wasm/internal/${name}.wasm.js`))
  const bytes = Buffer.from(wasmBase64, 'base64')
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== wanted) {
    console.error(`${name}.wasm of ox is ${found}, and should be ${wanted}: read what changed, then name it here.`)
    process.exit(1)
  }
  writeFileSync(join(root, `dist/crypto/${name}.wasm`), bytes)
}
