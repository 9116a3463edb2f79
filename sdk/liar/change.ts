/** A JSON object whose fields nobody has looked at. */
export type Json = Readonly<Record<string, unknown>>

export function fieldsOf(json: unknown): Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Json) : {}
}

export function listOf(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : []
}

/** Hexadecimal text with its last byte changed. */
export function flipped(text: unknown): unknown {
  if (typeof text !== 'string' || !/^0x(?:[0-9a-fA-F]{2})+$/.test(text)) return text
  const last = Number.parseInt(text.slice(-2), 16) ^ 1
  return text.slice(0, -2) + last.toString(16).padStart(2, '0')
}
