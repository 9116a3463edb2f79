import { getTransactionType, type LocalAccount, type SignableMessage, type TransactionSerializable } from 'viem'
import { toAccount } from 'viem/accounts'
import { SdkError } from '../errors.ts'
import { type AccessList, type Authorization, decodeTypedData, type Prepared, type Pricing } from '../evm/index.ts'
import { type Address, address, chainId, fromHex, type Hex, isHex, slot, toHex, wei } from '../units.ts'
import { signAuthorization, signMessage, signTransaction, signTypedData, type Wallet } from '../wallet/index.ts'

/**
 * One account of the wallet as a viem account, with the signatures that viem's own would make with the same key.
 *
 * With the transport {@link lanekit} its transactions go through the outbox. Funds at risk: with another transport
 * they do not, and the wallet may use the same nonce.
 *
 * Throws what the signer throws, `evm/malformed-typed-data`, and `evm/malformed-transaction` for blobs, for
 * transactions that any chain would take, and for whatever else no outbox holds.
 */
export function toViemAccount({ keys }: Wallet, account: Address): LocalAccount<'custom'> {
  return toAccount({
    address: account,
    signMessage: ({ message }) => signMessage(keys, account, messageOf(message)),
    signTransaction: async (transaction) => {
      const prepared = preparedFrom(transaction, account)
      return toHex((await signTransaction(keys, prepared)).bytes)
    },
    signTypedData: async (definition) => {
      const data = decodeTypedData(definition)
      if (data.ok) return signTypedData(keys, account, data.value)
      throw new SdkError('evm/malformed-typed-data', `The typed data cannot be read: ${data.reason}.`)
    },
    signAuthorization: async ({ address: delegate, contractAddress, chainId, nonce }) => {
      const wish = { delegate: address(contractAddress ?? delegate), chainId, nonce: BigInt(nonce) }
      const { signature } = await signAuthorization(keys, account, wish)
      const yParity = signature[64] as number
      const [r, s] = [toHex(signature.subarray(0, 32)), toHex(signature.subarray(32, 64))]
      return { address: contractAddress ?? delegate, chainId, nonce, r, s, v: 27n + BigInt(yParity), yParity }
    },
  }) as LocalAccount<'custom'>
}

function messageOf(message: SignableMessage): string | Uint8Array {
  if (typeof message === 'string') return message
  return typeof message.raw === 'string' ? fromHex(message.raw) : Uint8Array.from(message.raw)
}

function preparedFrom(transaction: TransactionSerializable, from: Address): Prepared {
  const { chainId: id, to, value = 0n, data = '0x', nonce = 0, gas = 0n } = transaction
  if (id === undefined) throw malformed('it names no chain, so any chain would take it')
  if (!isHex(data)) throw malformed('its data is not whole bytes')
  return {
    stage: 'prepared',
    chainId: chainId(id),
    from,
    to: to ? address(to) : null,
    value: wei(value),
    data: fromHex(data),
    nonce,
    gas,
    pricing: pricingFrom(transaction),
  }
}

function pricingFrom(transaction: TransactionSerializable): Pricing {
  const type = getTransactionType(transaction)
  const { gasPrice = 0n, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = transaction
  const accessList = listFrom(transaction.accessList ?? [])
  const market = { maxFeePerGas: wei(maxFeePerGas), maxPriorityFeePerGas: wei(maxPriorityFeePerGas), accessList }
  switch (type) {
    case 'legacy':
      return { type, gasPrice: wei(gasPrice) }
    case 'eip2930':
      return { type, gasPrice: wei(gasPrice), accessList }
    case 'eip1559':
      return { type, ...market }
    case 'eip7702':
      return { type, ...market, authorizations: (transaction.authorizationList ?? []).map(authorizationFrom) }
    default:
      throw malformed(`its type ${type} is not carried`)
  }
}

function listFrom(list: NonNullable<TransactionSerializable['accessList']>): AccessList {
  return list.map((entry) => ({
    address: address(entry.address),
    slots: entry.storageKeys.map((key) => slot(key)),
  }))
}

type Signed = NonNullable<TransactionSerializable['authorizationList']>[number]

function authorizationFrom({ address: delegate, chainId, nonce, r, s, yParity }: Signed): Authorization {
  if (yParity === undefined) throw malformed('an authorization is not signed')
  const digits = (scalar: Hex) => scalar.slice(2).padStart(64, '0')
  const signature = fromHex(`0x${digits(r)}${digits(s)}0${yParity}`)
  return { chainId, delegate: address(delegate), nonce: BigInt(nonce), signature }
}

function malformed(reason: string): SdkError {
  return new SdkError('evm/malformed-transaction', `The transaction cannot be signed: ${reason}.`)
}
