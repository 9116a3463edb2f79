/** One event of a `text/event-stream`. */
export interface StreamEvent {
  readonly type: string
  readonly data: string
}

/** Longest event, in characters, that is put together; a longer one ends the stream. */
export const streamEventCharsMax = 1024 * 1024

/**
 * Reads server-sent events (HTML standard, "Event stream interpretation"). The caller takes sequence numbers
 * from the data, so `id` and `retry` fields are skipped like comments.
 *
 * @returns Events as they come. Ends with the stream, or with `malformed` when an event is too long or the
 *   bytes are not UTF-8.
 */
export async function* readEventStream(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamEvent | 'malformed', void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let event: { type: string; data: string[] } = { type: 'message', data: [] }
  let size = 0
  for await (const chunk of chunks) {
    try {
      text += decoder.decode(chunk, { stream: true })
    } catch {
      return yield 'malformed'
    }
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    // A carriage return at the very end may be half of a line end.
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (event.data.length > 0) yield { type: event.type, data: event.data.join('\n') }
        event = { type: 'message', data: [] }
        size = 0
        continue
      }
      size += line.length
      const [name, value] = fieldOf(line)
      if (name === 'event') event.type = value
      else if (name === 'data') event.data.push(value)
    }
    if (size + text.length > streamEventCharsMax) return yield 'malformed'
  }
}

/** `name: value`, the one space after the colon dropped; a comment has an empty name. */
function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  const value = line.slice(colon + 1)
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value]
}
