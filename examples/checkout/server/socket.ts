import { WebSocket } from 'ws'

/** Opens a WebSocket from Node, which has one of its own from version 22 on. */
export function connect(url: string): WebSocket {
  return new WebSocket(url, { perMessageDeflate: false })
}
