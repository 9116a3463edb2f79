// Writes the description of the edge's paths, edge/openapi.json, which the worker carries as it is: what never changes
// between two builds is not made anew in every isolate. A test holds it to the routes.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { transformSync } from 'esbuild'

const root = dirname(import.meta.dirname)
const path = join(root, 'edge/openapi.json')
const { code } = transformSync(readFileSync(join(root, 'edge/openapi.ts'), 'utf8'), { loader: 'ts', format: 'esm' })
const { openApi } = await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)
const text = `${JSON.stringify(openApi(), null, 2)}\n`
if (readFileSync(path, { encoding: 'utf8', flag: 'a+' }) !== text) writeFileSync(path, text)
