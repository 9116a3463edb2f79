import type { Command, Option } from '../command.ts'
import { aboutPassword, bitcoinWalletOptions, storeOption, waitOption } from './options.ts'

const aboutChannels = [
  aboutPassword,
  'The channels are taken over: another wallet that has them open can sign nothing more, and has to be opened again.',
]

const feerateOption: Option = {
  type: 'string',
  value: 'N',
  help: 'of its transaction, in sat per vbyte; of the day when left out',
}

export const channelCommands: readonly Command[] = [
  {
    name: 'channel list',
    words: '',
    wordsMin: 0,
    wordsMax: 0,
    summary: "tells the wallet's payment channels of both kinds, as the chain shows them now",
    about: [...aboutChannels, 'Of each: what its phase means, how far it is, and what happens if you leave now.'],
    options: { store: storeOption, ...bitcoinWalletOptions },
    run: async (...call) => (await import('../channel.ts')).listChannels(...call),
  },
  {
    name: 'channel invite',
    words: '',
    wordsMin: 0,
    wordsMax: 0,
    summary: 'invites somebody to open a channel that pays both ways with this wallet',
    about: [
      ...aboutChannels,
      'Prints the invitation, for one opener; whoever has it can answer, and the first one counts. This wallet has to be open when',
      'it is answered: `--wait` waits for that.',
    ],
    options: {
      store: storeOption,
      box: { type: 'string', value: 'URL', help: "of the edge that carries the channel's messages; needed" },
      delay: {
        type: 'string',
        value: 'BLOCKS',
        help: 'within which each side, or a tower, looks at the chain; a week when left out',
      },
      wait: waitOption,
      ...bitcoinWalletOptions,
    },
    run: async (...call) => (await import('../channelOpen.ts')).inviteChannel(...call),
  },
  {
    name: 'channel withdraw',
    words: 'ID',
    wordsMin: 1,
    wordsMax: 1,
    summary: 'takes an invitation back that nobody has answered',
    about: [
      ...aboutChannels,
      'ID is that of its channel in `lanekit channel list`. Whoever answers it later is told so, by any command of this wallet that runs then,',
      'and has not lost a coin. An answer that was there first stands: close the channel once it is open.',
    ],
    options: { store: storeOption, ...bitcoinWalletOptions },
    run: async (...call) => (await import('../channelOpen.ts')).withdrawInvitation(...call),
  },
  {
    name: 'channel open',
    words: 'SATS',
    wordsMin: 1,
    wordsMax: 1,
    summary: 'opens a channel with so many satoshi in it, and waits until it pays',
    about: [
      ...aboutChannels,
      'With --peer it pays one payee, and nobody has to watch it. With --invitation it pays both ways, and this wallet, or a tower,',
      'has to look at the chain once in its delay. --quote tells what it would cost, and signs nothing.',
    ],
    options: {
      store: storeOption,
      peer: { type: 'string', value: 'URL', help: 'the payee of a channel that pays one way' },
      invitation: { type: 'string', value: 'HEX', help: 'of the other side, for a channel that pays both ways' },
      expiry: {
        type: 'string',
        value: 'BLOCKS',
        help: 'until the coins come back, of a channel that pays one way; a week when left out',
      },
      feerate: feerateOption,
      quote: { type: 'boolean', help: 'tell the cost, and open nothing' },
      wait: waitOption,
      ...bitcoinWalletOptions,
    },
    run: async (...call) => (await import('../channelOpen.ts')).openChannel(...call),
  },
  {
    name: 'channel pay',
    words: '(ID SATS | INVOICE [SATS])',
    wordsMin: 1,
    wordsMax: 2,
    summary:
      'pays over a channel of either kind, without a block: whoever is at its other side, or an invoice (BOLT-11)',
    about: [
      ...aboutChannels,
      'Ends with 0 once the other side has taken it. What has no answer within --wait is stored, in a channel that pays one way, and',
      'goes on with the next wallet; in one that pays both ways look at the balance before you pay again.',
      'Of an invoice, payee, amount, fee and end are shown, and you are asked; SATS where it leaves the amount to you. It is paid once:',
      'the same call again says what became of it.',
    ],
    options: {
      store: storeOption,
      payment: {
        type: 'string',
        value: 'HEX',
        help: "the payee's name for what is bought, 16 bytes; made up when left out",
      },
      quote: { type: 'boolean', help: 'tell what an invoice would come to, and pay nothing' },
      yes: { type: 'boolean', help: 'pay an invoice without being asked' },
      'fee-max': {
        type: 'string',
        value: 'SATS',
        help: 'most that the way to an invoice may cost; a twentieth when left out',
      },
      wait: waitOption,
      ...bitcoinWalletOptions,
    },
    run: async (...call) => (await import('../channelPay.ts')).payChannel(...call),
  },
  {
    name: 'channel request',
    words: '[ID] [SATS]',
    wordsMin: 0,
    wordsMax: 2,
    summary:
      'asks for a payment over a channel that pays both ways, by a name or an invoice, and says when it has come',
    about: [
      ...aboutChannels,
      'Prints the name, to be told to whoever is at the other side of the channel ID, and waits for the payment. With --invoice it prints',
      'an invoice (BOLT-11) that anybody can pay who has a way to this wallet; without ID, over the channel that can receive most. It',
      'is taken only while a command runs, so let this one wait. --payment asks again about an earlier request.',
    ],
    options: {
      store: storeOption,
      invoice: {
        type: 'string',
        value: 'TEXT',
        help: 'ask by an invoice; TEXT is what it is for, and its payer is shown it',
      },
      expiry: {
        type: 'string',
        value: 'SECONDS',
        help: 'until the invoice is not taken any more; an hour when left out',
      },
      payment: { type: 'string', value: 'HEX|INVOICE', help: 'an earlier request: its name, or its invoice' },
      wait: waitOption,
      ...bitcoinWalletOptions,
    },
    run: async (...call) => (await import('../channelPay.ts')).requestPayment(...call),
  },
  {
    name: 'channel close',
    words: 'ID',
    wordsMin: 1,
    wordsMax: 1,
    summary: 'closes a channel together with the other side, or alone',
    about: [
      ...aboutChannels,
      'Waits until the chain shows the closing. In a channel that pays one way, a payee that does not answer cannot keep the coins:',
      'from the expiry on they come back without it, and any wallet on this store sees to that. A channel that pays both ways is',
      'closed alone where the other side does not answer: your coins wait for its delay then, and need this wallet again.',
    ],
    options: {
      store: storeOption,
      feerate: feerateOption,
      alone: { type: 'boolean', help: 'without the other side: of channels that pay both ways' },
      wait: waitOption,
      ...bitcoinWalletOptions,
    },
    run: async (...call) => (await import('../channel.ts')).closeChannel(...call),
  },
]
