import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Bytes of a file, unpacked where it ends in `.gz`. */
export function readBytes(path: string): Uint8Array {
  const bytes = readFileSync(path)
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

/** JSON of a file, unpacked where it ends in `.gz`. */
export function readJson(path: string): unknown {
  return JSON.parse(new TextDecoder().decode(readBytes(path)))
}

/** The file at `path`, or all files of the folder, however deep, in one order on every machine. */
export function filesBelow(path: string): readonly string[] {
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Files at or below `path` that hold JSON, packed or not. */
export function jsonFilesBelow(path: string): readonly string[] {
  return filesBelow(path).filter((file) => /\.json(?:\.gz)?$/.test(file))
}

/** A JSON object, or nothing when the value is none. */
export function asRecord(json: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? (json as Record<string, unknown>)
    : undefined
}
