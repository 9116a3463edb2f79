import { charge, type Frame, mayChange } from './frame.ts'
import { reach, slice } from './memory.ts'
import { bytesOf, numberOf } from './word.ts'

/** LOG0 to LOG4: 375 and as much a topic in the table, and 8 a byte. */
export function log(topicCount: number): (frame: Frame) => void {
  return (frame) => {
    const { execution, stack, sp } = frame
    if (!mayChange(frame)) return
    const offset = numberOf(stack, sp - 8)
    const size = numberOf(stack, sp - 16)
    if (!charge(frame, 8 * size) || !reach(frame, offset, size)) return
    const topics: Uint8Array[] = []
    for (let topic = 0; topic < topicCount; topic++) topics.push(bytesOf(stack, sp - 24 - 8 * topic))
    execution.logs.push({ address: frame.self.address, topics, data: slice(frame, offset, size).slice() })
    frame.sp = sp - 16 - 8 * topicCount
  }
}
