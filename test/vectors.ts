import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { readBytes, readJson } from './conformance/files.ts'

/** Where the published vectors lie: `LANEKIT_VECTORS`, else `../shared/vectors` beside the repository, which npm runs in. */
const vectorsFolder = process.env.LANEKIT_VECTORS ?? join(process.cwd(), '..', 'shared', 'vectors')

/**
 * A suite that needs the vectors. Without the folder it is one skipped case of the same name, and `body` does not run;
 * with the folder, a file that is missing in it is a failure.
 */
export function describeVectors(name: string, body: () => void): void {
  if (existsSync(vectorsFolder)) describe(name, body)
  else describe(name, () => it.skip('needs the vectors (LANEKIT_VECTORS)', () => undefined))
}

/** Path of a file or folder of the vectors, as `light/eth/trie`. */
export function vectorPath(name: string): string {
  return join(vectorsFolder, name)
}

/** Bytes of a vector file, unpacked where it ends in `.gz`. */
export function readVector(name: string): Uint8Array {
  return readBytes(vectorPath(name))
}

/** JSON of a vector file, unpacked where it ends in `.gz`. Each test casts it to the shape its standard gives. */
export function readVectorJson(name: string): unknown {
  return readJson(vectorPath(name))
}

/** Unpacks a `.tar.gz` of the vectors into a folder of its own, which goes when the process does. */
export function unpackVectors(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-vectors-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  execFileSync('tar', ['xzf', vectorPath(name), '-C', folder])
  return folder
}
