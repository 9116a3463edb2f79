import { channelLinkContract } from '../contracts/channelLink.ts'
import { runContract } from '../contracts/run.ts'
import { memoryBox } from './memoryBox.ts'

runContract(
  channelLinkContract('memoryBox', async () => {
    const { link } = memoryBox()
    const token = (byte: number) => new Uint8Array(32).fill(byte)
    return { payer: link('payer', token(1)), payee: link('payee', token(2)), stranger: link('payer', token(3)) }
  }),
)
