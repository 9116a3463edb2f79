export { createMailbox, type Mailbox, type MailboxParts } from './mailbox.ts'
export { postsMax, postTriesMax } from './poster.ts'
export { acknowledgedEvery, acknowledgedIdleMs, type Take } from './reader.ts'
